"""What every section of config.yaml keeps to."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A group of settings: frozen, without unknown keys, types taken as they stand."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        use_attribute_docstrings=True,
        # Config builds all of them once, when it is first used; else each would be built twice.
        defer_build=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_means_default(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        known = cls.model_fields
        return {key: value for key, value in data.items() if value is not None or key not in known}
