"""Wall and CPU time of this process, from a point in time on."""

import time


class Stopwatch:
    """Starts when it is made. CPU is that of all threads, user and system."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def wall_s(self) -> float:
        return time.perf_counter() - self._wall

    def cpu_s(self) -> float:
        return time.process_time() - self._cpu
