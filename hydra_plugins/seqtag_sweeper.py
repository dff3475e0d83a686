"""Makes seqtag's sweeps known to Hydra, which takes plugins from this package alone."""

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class SeqtagSweeper(BasicSweeper):
    """Grids and searches whose finished jobs are not repeated, see `seqtag.sweeps.sweep`."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra has made ready."""
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.task = task_function

    def sweep(self, arguments: list[str]) -> None:
        """Run all jobs that the arguments ask for."""
        from seqtag.sweeps.sweep import sweep

        sweep(self, self.task, arguments)
