"""IAM: roles and what they allow, instance profiles, service-linked roles."""
