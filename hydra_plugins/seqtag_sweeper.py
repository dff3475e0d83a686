"""Register seqtag's sweeper with Hydra, which looks for plugins only in this package."""

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class SeqtagSweeper(BasicSweeper):
    """Runs grids and searches without repeating finished jobs, see `seqtag.sweeps.sweep`."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Store the objects that Hydra has prepared."""
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.task = task_function

    def sweep(self, arguments: list[str]) -> None:
        """Run all jobs of the command line's overrides."""
        from seqtag.sweeps.sweep import sweep

        sweep(self, self.task, arguments)
