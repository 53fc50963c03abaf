"""Elastic Load Balancing: load balancer, listener, rules, target groups."""
