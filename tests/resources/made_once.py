"""What botocore and moto make anew for every client and every account, made once for all tests.

Nothing of it changes while tests run: service models, the methods of clients that are made of them,
names. Clients, sessions and accounts stay each test's own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import botocore.hooks
import botocore.session
import botocore.useragent
import moto.core.models
import moto.core.responses
import pytest
from botocore.client import ClientCreator
from botocore.hooks import EventAliaser
from botocore.model import ServiceModel
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString
from moto.core.base_backend import BaseBackend
from moto.core.serialize import (
    AttributePickerContext,
    ResponseSerializer,
    XFormedAttributePicker,
)

ACCEPTS_KWARGS: Callable[[Any], Any] = vars(botocore.hooks)["accepts_kwargs"]


def make_once(patch: pytest.MonkeyPatch) -> None:
    """Let clients share service models, and accounts in memory what no test changes."""
    _share_models(patch)
    _share_names(patch)
    _share_possible_keys(patch)
    # For the library `requests`, which nobody here uses: 1,300 answers for every account.
    patch.setattr(moto.core.models, "RESPONSES_METHODS", [])
    methods = functools.cache(vars(moto.core.responses)["method_names_from_class"])
    patch.setattr(moto.core.responses, "method_names_from_class", methods)


def _share_models(patch: pytest.MonkeyPatch) -> None:
    """Parse each service model once, and make the methods of its clients once."""
    loader = functools.cache(botocore.session.create_loader)
    patch.setattr(botocore.session, "create_loader", loader)
    load = vars(ClientCreator)["_load_service_model"]
    make = vars(ClientCreator)["_create_methods"]
    models: dict[tuple[str, str | None], ServiceModel] = {}
    methods: dict[int, dict[str, Any]] = {}

    def load_once(creator: ClientCreator, name: str, api_version: str | None = None) -> Any:
        if (name, api_version) not in models:
            models[name, api_version] = load(creator, name, api_version)
        return models[name, api_version]

    def make_methods_once(creator: ClientCreator, model: ServiceModel) -> dict[str, Any]:
        # Models are kept for good, so that no other gets the id of one.
        if id(model) not in methods:
            methods[id(model)] = make(creator, model)
        return dict(methods[id(model)])

    patch.setattr(ClientCreator, "_load_service_model", load_once)
    patch.setattr(ClientCreator, "_create_methods", make_methods_once)


def _share_names(patch: pytest.MonkeyPatch) -> None:
    """Work out names of events, of URLs and in user agents once."""
    alias = vars(EventAliaser)["_alias_event_name"]
    aliases: dict[str, str] = {}

    def alias_once(emitter: EventAliaser, name: str) -> str:
        if name not in aliases:
            aliases[name] = alias(emitter, name)
        return aliases[name]

    patch.setattr(EventAliaser, "_alias_event_name", alias_once)
    patch.setattr(botocore.hooks, "accepts_kwargs", _accepts_kwargs)
    sanitize = vars(botocore.useragent)["sanitize_user_agent_string_component"]
    patch.setattr(
        botocore.useragent, "sanitize_user_agent_string_component", functools.cache(sanitize)
    )
    list_urls = vars(BaseBackend)["urls"].fget
    urls: dict[type, Any] = {}

    def list_urls_once(backend: BaseBackend) -> Any:
        if type(backend) not in urls:
            urls[type(backend)] = list_urls(backend)
        return urls[type(backend)]

    patch.setattr(BaseBackend, "urls", property(list_urls_once))


def _share_possible_keys(patch: pytest.MonkeyPatch) -> None:
    """Work out once by which names moto looks for a member of an answer in what it has.

    It did so for each of the ten kinds of value of each attribute of each item in a table.
    """
    work_out = XFormedAttributePicker.get_possible_keys
    serialize = vars(ResponseSerializer)["_serialize_structure_member"]

    def possible_keys(picker: XFormedAttributePicker, context: AttributePickerContext) -> Any:
        if context.shape is None:
            return work_out(picker, context)
        # Kept with the shape of the member, whose names they are.
        known = vars(context.shape).setdefault("possible_keys", {})
        case = (context.key, type(context.obj), *picker.alias_providers)
        if case not in known:
            known[case] = tuple(work_out(picker, context))
            is_plain = not picker.response_transformers and "." not in "".join(known[case])
            if type(context.obj) is dict and is_plain:
                vars(context.shape)["keys_in_dict"] = frozenset(known[case])
        return known[case]

    def serialize_what_is_there(
        serializer: ResponseSerializer, serialized: Any, value: Any, shape: Any, key: str
    ) -> None:
        keys = vars(shape).get("keys_in_dict")
        if keys is None or type(value) is not dict or not keys.isdisjoint(value):
            serialize(serializer, serialized, value, shape, key)

    patch.setattr(XFormedAttributePicker, "get_possible_keys", possible_keys)
    patch.setattr(ResponseSerializer, "_serialize_structure_member", serialize_what_is_there)


@contextmanager
def unsigned() -> Iterator[None]:
    """Send calls to an account in memory without a signature, which it doesn't check.

    They say whose they are, where and of which service: a tenth of a call's time was the rest.
    """

    def sign(signer: RequestSigner, _operation: str, request: Any, *_: Any, **__: Any) -> None:
        scope = f"testing/20260101/{signer.region_name}/{signer.signing_name}/aws4_request"
        request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RequestSigner, "sign", sign)
        patch.setattr(UserAgentString, "to_string", lambda _: "tests")
        yield


def _accepts_kwargs(handler: Any) -> Any:
    """Tell from a function's code whether it takes any keyword: its signature is slow to make."""
    code = getattr(handler, "__code__", None)
    if code is None:
        return ACCEPTS_KWARGS(handler)
    return bool(code.co_flags & inspect.CO_VARKEYWORDS)
