"""What the functions measure themselves, as CloudWatch knows it."""

from constructs.metrics import Metric, Statistic
from handler.metric_names import NAMESPACE, SERVICE, MetricName


def own_metric(name: MetricName, statistic: Statistic, *, suffix: str) -> Metric:
    """Of the environment; with the dimensions that the functions give to all of them."""
    return Metric(
        namespace=NAMESPACE,
        name=name.value,
        dimensions={"environment": suffix, "service": SERVICE},
        statistic=statistic,
    )
