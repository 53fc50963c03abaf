"""EC2: the network that is found, the security groups and launch template that are made in it."""
