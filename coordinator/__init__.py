"""What runs between two ``up``s: one process that makes pushes live and brings platforms back in steps.

``ramp`` decides and knows neither network nor clock; ``balancer`` speaks to Cloudflare; ``memory`` is what survives a
restart; ``recovery`` puts the three together; ``supervisor`` keeps tasks running. Others can join it there.
``receiver`` proves who sent a webhook, ``pushes`` reads it, ``queue`` keeps it; ``server`` listens. ``poll`` looks for
what no webhook told. ``deployer`` makes the newest tip live by one of ``ways``; ``history`` remembers, ``reports``
tells the forges; ``delivery`` puts these together.
``watching`` looks at the site, ``alerts`` tells people, ``status_page`` shows; ``monitoring`` puts these together.
"""
