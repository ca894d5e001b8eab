"""What runs between two deployments: webhooks, the recovery ramp."""
