"""An event as a notification in Slack and Microsoft Teams, by way of SNS and Amazon Q Developer."""

import json
from collections.abc import Mapping, Sequence

from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTargetInputTransformer


def chat_notification(
    *, paths: Mapping[str, str], id: str, title: str, lines: Sequence[str]
) -> CloudwatchEventTargetInputTransformer:
    """What a rule sends to a topic instead of the event: AWS's custom notification.

    `paths`: variables by their names, as JSON paths of the event. `id`, `title`, `lines`: texts in Markdown, with
    `<variable>` where a value stands. A value is put between quotes as it is: no quote, backslash or control character
    may be in it.

    https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
    """
    notification = {
        "version": "1.0",
        "source": "custom",
        "id": id,
        "content": {"textType": "client-markdown", "title": title, "description": "\n".join(lines)},
    }
    return CloudwatchEventTargetInputTransformer(
        input_paths=dict(paths), input_template=json.dumps(notification, ensure_ascii=False)
    )
