"""Container images made without Docker: layers from files, a base from its registry, one push.

An image is a list of layers (compressed tar files), a configuration and a manifest that names them
by their SHA-256 (Open Container Initiative, "Image Format Specification"); a registry takes them
over HTTP ("Distribution Specification"). Neither needs a daemon, root, or a processor of the
image's own kind.

- `names`        names of images, as people write them
- `transport`    HTTP with proxies, retries and errors that say what to do
- `registry`     a repository of a registry: manifests and blobs, read and written
- `descriptors`  what names a blob; a manifest
- `blob_cache`   blobs of base images on this machine's disk, by digest
- `base`         a base image: its digest, layers and configuration
- `layers`       files to a layer, byte for byte the same for the same files
- `assembly`     base and layers to configuration and manifest
- `pushing`      what the registry lacks, uploaded
"""
