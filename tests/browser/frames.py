"""What each frame of the browser showed of one output, and what a reader would have noticed."""

from dataclasses import dataclass
from typing import Any

START = """(index) => {
  const panel = window.jupyterapp.shell.currentWidget;
  const output = panel.content.widgets[index].outputArea.node;
  const scroller = panel.content.node.querySelector('.jp-WindowedPanel-outer') || panel.content.node;
  const probe = window.__chatnbProbe = {times: [], heights: [], tops: [], lengths: [], longTasks: [], isOn: true};
  probe.observer = new PerformanceObserver(
    list => { for (const entry of list.getEntries()) probe.longTasks.push(entry.duration); });
  probe.observer.observe({entryTypes: ['longtask']});
  const look = () => {
    if (!probe.isOn) return;
    probe.times.push(performance.timeOrigin + performance.now());
    probe.heights.push(output.getBoundingClientRect().height);
    probe.tops.push(scroller.scrollTop);
    probe.lengths.push(output.textContent.length);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""

STOP = """() => {
  const {observer, ...probe} = window.__chatnbProbe;
  window.__chatnbProbe.isOn = false;
  observer.disconnect();
  return probe;
}"""

NOTICED_PX = 4
"""A change that nobody sees: borders, a scroll bar that is rounded."""


@dataclass(frozen=True, slots=True)
class Frames:
    """One entry for each animation frame.

    Attributes
    ----------
    at
        When it was drawn: seconds since the epoch, as `time.time()`.
    heights, tops
        The output's height and the notebook's scroll position, in pixels.
    lengths
        How many characters the output showed.
    long_tasks_s
        How long the browser was busy at a stretch, wherever that was 50 ms or more.
    """

    at: tuple[float, ...]
    heights: tuple[float, ...]
    tops: tuple[float, ...]
    lengths: tuple[int, ...]
    long_tasks_s: tuple[float, ...]

    @classmethod
    def read(cls, probe: dict[str, list[Any]]) -> "Frames":
        """Take what the page recorded, where times are in milliseconds."""
        return cls(
            at=tuple(time / 1000 for time in probe["times"]),
            heights=tuple(probe["heights"]),
            tops=tuple(probe["tops"]),
            lengths=tuple(probe["lengths"]),
            long_tasks_s=tuple(time / 1000 for time in probe["longTasks"]),
        )

    @property
    def height_drops(self) -> list[float]:
        """By how many pixels the output became lower from one frame to the next, wherever one can see it."""
        steps = zip(self.heights, self.heights[1:], strict=False)
        return [before - after for before, after in steps if before - after > NOTICED_PX]

    @property
    def scroll_jumps(self) -> list[float]:
        """By how many pixels the page moved from one frame to the next, wherever one can see it."""
        steps = zip(self.tops, self.tops[1:], strict=False)
        return [after - before for before, after in steps if abs(after - before) > NOTICED_PX]

    @property
    def last_change_at(self) -> float:
        """When the output's text last became longer or shorter."""
        changes = [now for now, a, b in zip(self.at[1:], self.lengths, self.lengths[1:], strict=False) if a != b]
        return changes[-1] if changes else self.at[0]
