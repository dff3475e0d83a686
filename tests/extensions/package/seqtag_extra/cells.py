"""Two cells: one without `@dataclass` and with new gate names, one with an inner R."""

from dataclasses import dataclass

from seqtag.cells import Cell, register
from seqtag.cells.functions import sigmoid, tanh


@register("mine")
@register("mine_slow", haste=0.5)
class Mine(Cell):
    haste: float = 1.0

    gates = ("renew", "offer")
    states = ("h", "trail")
    meanings = {"renew": "share that is new", "trail": "what is left"}

    def kept(self, values):
        return 1 - values["renew"]

    def step(self, wx, rh, state, unit):
        renew = sigmoid(self.haste * (wx["renew"] + rh["renew"]))
        offer = tanh(wx["offer"] + rh["offer"])
        trail = (1 - renew) * state["trail"] + renew * offer
        return {"renew": renew, "offer": offer, "trail": trail, "h": tanh(trail)}


@dataclass(frozen=True)
class Inner(Cell):
    gates = ("open", "fresh")
    states = ("h",)
    inner_gates = ("fresh",)

    def step(self, wx, rh, state, unit):
        opened = sigmoid(wx["open"] + rh["open"])
        fresh = tanh(wx["fresh"] + rh["fresh"](opened * state["h"]))
        return {"open": opened, "fresh": fresh, "h": (1 - opened) * state["h"] + opened * fresh}
