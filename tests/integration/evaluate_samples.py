"""What the tests of the evaluate stage read from a message."""

from domain.messages import Channel, EventAction, Message


def actions_of(messages: list[Message]) -> list[tuple[Channel, EventAction, str]]:
    return [(message.channel, message.action, message.target) for message in messages]


def payload_of(message: Message) -> dict[str, object]:
    return dict(message.renderings[0].payload)


def text_of(message: Message) -> str:
    return str(message.renderings[-1].payload["text"])
