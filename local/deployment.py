"""What a `cdktf deploy` or `destroy` has done so far, and what it waits for, read off its output."""

import re
from dataclasses import dataclass, field

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# cdktf writes the stack before a line, or blanks of that width where the stack is that of the line before.
_LINE = re.compile(r"(?P<stack>tap-\S+)?\s*(?P<text>.*)")
_RESOURCE = re.compile(r"(?P<address>(?!data\.|ephemeral\.)[\w-]+\.[\w-]+(?:\[.*?\])?)(?: \(.*?\))?: (?P<event>.*)")
_BEGUN = re.compile(r"(?:Creating|Modifying|Destroying)\.\.\.")
_STILL = re.compile(r"Still \w+\.\.\. \[(?:id=.*, )?(?P<elapsed>\w+) elapsed\]")
_ENDED = re.compile(r"(?:Creation|Modifications|Destruction) complete")
_PLANNED = re.compile(r"Plan: (\d+) to add, (\d+) to change, (\d+) to destroy")


def without_colours(output: str) -> str:
    """The text alone."""
    return _COLOUR.sub("", output)


@dataclass
class Deployment:
    """Fed with the output, piece by piece. Resources are known by their Terraform addresses, with their stacks."""

    stacks: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    """The stacks that are deployed or destroyed."""
    waiting: dict[tuple[str, str], str] = field(default_factory=dict)
    """The resources under way, and for how long Terraform says that they are; empty within the first ten seconds."""
    planned: int = 0
    """Changes to resources, of all stacks that have been planned."""
    changed: int = 0
    _stack: str = ""
    _rest: str = ""

    def feed(self, output: str) -> None:
        """Read more of the output; a line that is not complete yet is kept for the next time."""
        *lines, self._rest = (self._rest + output).split("\n")
        for line in lines:
            self._read(without_colours(line))

    def waits_only_for(self, resource_type: str) -> bool:
        """Whether all has been done but for resources of one type, and those are under way."""
        types = {address.partition(".")[0] for _, address in self.waiting}
        return types == {resource_type} and self.changed + len(self.waiting) == self.planned

    def __str__(self) -> str:
        """For a person: how many stacks are there, which one is under way, and what it waits for longest."""
        if not self.planned and not self.done:
            return "initialisation" if self.stacks else "synthesis"
        progress = f"{len(self.done)} of {len(self.stacks)} stacks"
        if not self.waiting:
            return progress
        # What began first stands first.
        (stack, address), elapsed = next(iter(self.waiting.items()))
        return f"{progress}, {stack}: {address.partition('.')[0]} {elapsed}".rstrip()

    def _read(self, line: str) -> None:
        match = _LINE.match(line)
        if match is None:
            return
        self._stack = match["stack"] or self._stack
        if self._stack:
            self.stacks.add(self._stack)
        if plan := _PLANNED.match(match["text"]):
            self.planned += sum(map(int, plan.groups()))
        elif match["text"].startswith(("Apply complete!", "Destroy complete!")):
            self.done.add(self._stack)
        elif resource := _RESOURCE.match(match["text"]):
            self._note(resource["address"], resource["event"])

    def _note(self, address: str, event: str) -> None:
        key = (self._stack, address)
        if _BEGUN.match(event):
            self.waiting[key] = ""
        elif still := _STILL.match(event):
            self.waiting[key] = still["elapsed"]
        elif _ENDED.match(event):
            self.waiting.pop(key, None)
            self.changed += 1
