"""The compute image: its build context, and the docker, podman or finch that builds and pushes it.

`recipe.FolderRecipe` is a folder with what its image is made of; its `contents` is the hash by
which an image is known, so that nothing is built when nothing changed. `engine_search` finds the
`container_engine` that builds (and, in the local cloud, runs) images. Nothing here knows AWS: a
registry is a host, a repository and a password.
"""
