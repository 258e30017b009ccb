"""The AWS services that the functions call, and what of them the VPC has to support."""

# Those that have no gateway endpoint, with what may be called through ours: an action, and the resources of all
# environments.
INTERFACE_ENDPOINTS = {
    "ssm": ("ssm:GetParameters", "parameter/tap/*"),
    "events": ("events:PutEvents", "event-bus/tap-*"),
}

# What must be supported in the zones of the functions. Lambda has no list of its own: that of its endpoint service
# comes nearest.
ZONE_SERVICES = (*INTERFACE_ENDPOINTS, "lambda")
