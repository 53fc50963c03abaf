"""ECR: the repository of the compute image, and the image."""
