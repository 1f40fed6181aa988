"""The ground floor: what every part of the clinic stands on and nothing of the clinic itself.

Core knows who is acting (`actor`), how a refusal is worded (`errors`), how lists are cut into pages
(`pagination`), how often a door may be tried (`throttle`), how an HTTP answer looks at its edge (`edge`) and
whether the system is alive (`health`). It never asks who a user is and it imports no other context.
"""
