"""API Gateway: a REST API, its methods, deployments and stage, and what lets it write logs."""
