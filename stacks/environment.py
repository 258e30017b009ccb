"""Builds all stacks of an environment, in their order."""

from constructs import Construct
from stacks.event_bridge_stack import EventBridgeStack
from stacks.function_package import FunctionPackage
from stacks.iam_stack import IamStack
from stacks.lambda_stack import LambdaStack
from stacks.monitoring_stack import MonitoringStack
from stacks.outputs_stack import OutputsStack
from stacks.parameter_stack import ParameterStack
from stacks.rds_stack import RdsStack
from stacks.results_stack import ResultsStack
from stacks.s3_stack import S3Stack
from stacks.schema_stack import SchemaStack
from stacks.settings import EnvironmentSettings, Settings
from stacks.vpc_stack import VpcStack


class Environment:
    """The eleven stacks of one environment. What one takes from another makes the order in which they are deployed."""

    def __init__(
        self, scope: Construct, *, environment: EnvironmentSettings, settings: Settings, package: FunctionPackage
    ) -> None:
        state_bucket = settings.state_bucket
        self.s3 = S3Stack(scope, environment=environment, state_bucket=state_bucket)
        self.vpc = VpcStack(scope, environment=environment, account=settings.account, state_bucket=state_bucket)
        self.rds = RdsStack(scope, environment=environment, state_bucket=state_bucket, vpc=self.vpc)
        self.event_bridge = EventBridgeStack(scope, environment=environment, state_bucket=state_bucket)
        self.parameter = ParameterStack(scope, environment=environment, state_bucket=state_bucket, rds=self.rds)
        self.iam = IamStack(
            scope, environment=environment, state_bucket=state_bucket, s3=self.s3, event_bridge=self.event_bridge
        )
        self.schema = SchemaStack(
            scope,
            environment=environment,
            settings=settings,
            package=package,
            s3=self.s3,
            vpc=self.vpc,
            rds=self.rds,
            parameter=self.parameter,
            iam=self.iam,
        )
        self.function = LambdaStack(
            scope,
            environment=environment,
            settings=settings,
            package=package,
            s3=self.s3,
            vpc=self.vpc,
            event_bridge=self.event_bridge,
            parameter=self.parameter,
            iam=self.iam,
            schema=self.schema,
        )
        self.results = ResultsStack(
            scope,
            environment=environment,
            settings=settings,
            package=package,
            s3=self.s3,
            vpc=self.vpc,
            parameter=self.parameter,
            iam=self.iam,
            schema=self.schema,
        )
        self.monitoring = MonitoringStack(
            scope,
            environment=environment,
            state_bucket=state_bucket,
            s3=self.s3,
            rds=self.rds,
            event_bridge=self.event_bridge,
            schema=self.schema,
            function=self.function,
            results=self.results,
        )
        self.outputs = OutputsStack(
            scope,
            environment=environment,
            state_bucket=state_bucket,
            s3=self.s3,
            vpc=self.vpc,
            rds=self.rds,
            event_bridge=self.event_bridge,
            parameter=self.parameter,
            iam=self.iam,
            schema=self.schema,
            function=self.function,
            results=self.results,
            monitoring=self.monitoring,
        )
