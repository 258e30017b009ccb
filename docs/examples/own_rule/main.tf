# A queue that gets an event for each run that breaks tests of a project on its main branch.

terraform {
  required_version = ">= 1.11.1"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

variable "state_bucket" {
  description = "The bucket of TAP's Terraform state: the output state_bucket of tap-account."
  type        = string
}

variable "suffix" {
  description = "The environment of TAP."
  type        = string
  default     = "prod"
}

variable "project" {
  description = "As tap-project has it."
  type        = string
}

variable "branch" {
  type    = string
  default = "main"
}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  queue_name = "${var.project}-broken-tests"
  queue_arn = join(":", [
    "arn", data.aws_partition.current.partition, "sqs", data.aws_region.current.name,
    data.aws_caller_identity.current.account_id, local.queue_name
  ])
}

data "terraform_remote_state" "tap" {
  backend = "s3"
  config = {
    bucket = var.state_bucket
    key    = "${var.suffix}/outputs.tfstate"
    region = data.aws_region.current.name
  }
}

resource "aws_cloudwatch_event_rule" "broken" {
  name           = "${var.project}-broken-tests"
  event_bus_name = data.terraform_remote_state.tap.outputs.event_bus_name
  event_pattern = jsonencode({
    source      = ["tap.application.${var.suffix}"]
    detail-type = ["Test Failures Changed"]
    detail = {
      schema_version = ["1"]
      project        = [var.project]
      branch         = [var.branch]
      newly_failing  = { count = [{ numeric = [">", 0] }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "queue" {
  rule           = aws_cloudwatch_event_rule.broken.name
  event_bus_name = aws_cloudwatch_event_rule.broken.event_bus_name
  arn            = aws_sqs_queue.broken.arn
}

# SSE-SQS: EventBridge may not use the key alias/aws/sqs. The policy is part of the queue, which it knows by its name.
resource "aws_sqs_queue" "broken" {
  name                      = local.queue_name
  policy                    = data.aws_iam_policy_document.broken.json
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

data "aws_iam_policy_document" "broken" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.broken.arn]
    }
  }
}

output "queue_url" {
  value = aws_sqs_queue.broken.url
}
