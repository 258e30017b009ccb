"""The deployable units of TAP, one Terraform state each."""
