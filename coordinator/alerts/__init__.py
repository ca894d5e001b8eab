"""Alerts: one message for each thing that happened and each channel, kept on disk until the channel has taken it.

``outbox`` keeps and sends them; ``channels`` is what every channel can do; ``mail``, ``matrix``, ``mastodon`` and
``webhook`` are the channels; ``settings`` says which there are, and ``opening`` puts them together; ``selfcheck`` says
whether alerting itself works.
"""
