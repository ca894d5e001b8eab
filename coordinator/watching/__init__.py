"""Who looks after the site between two deployments: asks each platform, the public name and its DNS, and remembers.

``targets`` says what is asked, ``declared`` finds that out from the stack's outputs; ``probe`` asks once; ``incidents``
decides when something is wrong and when it is over, and knows neither network nor clock; ``archive`` keeps what was
found; ``watcher`` is one round of it all, ``observing`` the task.
"""
