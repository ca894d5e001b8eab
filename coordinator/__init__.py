"""What runs between two ``up``s: one process that brings platforms back in steps after an outage.

``ramp`` decides and knows neither network nor clock; ``balancer`` speaks to Cloudflare; ``memory`` is what survives a
restart; ``recovery`` puts the three together; ``supervisor`` keeps tasks running. Others can join it there.
``receiver`` proves who sent a webhook, ``pushes`` reads it, ``queue`` keeps it; ``server`` listens.
"""
