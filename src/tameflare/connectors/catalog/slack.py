"""Slack's Web API (api.slack.com/methods): what programs use most. Each method takes GET and POST, form and JSON."""

from __future__ import annotations

from typing import Final

from tameflare.connectors.catalog.rows import DESTRUCTIVE, HIGH, LOW, MEDIUM, READ, WRITE
from tameflare.connectors.routes import BodyKind, Route
from tameflare.core.action import Effect, Risk

FIELDS: Final = "limit:int count:int page:int as_user:bool unfurl_links:bool unfurl_media:bool mrkdwn:bool"
FLAGS: Final = "reply_broadcast:bool is_private:bool include_all_metadata:bool exclude_archived:bool inclusive:bool"
TIMES: Final = "post_at:int num_minutes:int length:int return_im:bool"


def _method(method: str, name: str, effect: Effect, risk: Risk) -> Route:
    fields = f"{FIELDS} {FLAGS} {TIMES}"
    return Route("POST,GET", "/api/" + method, "slack." + name, effect, risk, fields=fields, body=BodyKind.FORM)


def _read(method: str, name: str) -> Route:
    return _method(method, name, READ, LOW)


def _write(method: str, name: str, risk: Risk = MEDIUM) -> Route:
    return _method(method, name, WRITE, risk)


def _remove(method: str, name: str) -> Route:
    return _method(method, name, DESTRUCTIVE, HIGH)


ROUTES: Final = (
    _read("api.test", "api.test"),
    _read("auth.test", "auth.test"),
    _remove("auth.revoke", "auth.revoke"),
    _write("chat.postMessage", "message.send"),
    _write("chat.postEphemeral", "message.send_ephemeral"),
    _write("chat.meMessage", "message.send"),
    _write("chat.scheduleMessage", "message.schedule"),
    _read("chat.scheduledMessages.list", "message.list_scheduled"),
    _remove("chat.deleteScheduledMessage", "message.delete_scheduled"),
    _write("chat.update", "message.update"),
    _remove("chat.delete", "message.delete"),
    _read("chat.getPermalink", "message.get_permalink"),
    _write("chat.unfurl", "message.unfurl"),
    _read("conversations.list", "channel.list"),
    _read("conversations.info", "channel.get"),
    _read("conversations.history", "channel.history"),
    _read("conversations.replies", "channel.replies"),
    _read("conversations.members", "channel.list_members"),
    _write("conversations.create", "channel.create"),
    _remove("conversations.archive", "channel.archive"),
    _write("conversations.unarchive", "channel.unarchive"),
    _write("conversations.rename", "channel.rename"),
    _write("conversations.setTopic", "channel.set_topic"),
    _write("conversations.setPurpose", "channel.set_purpose"),
    _write("conversations.invite", "channel.invite"),
    _write("conversations.inviteShared", "channel.invite_shared", HIGH),
    _write("conversations.kick", "channel.kick", HIGH),
    _write("conversations.join", "channel.join", LOW),
    _write("conversations.leave", "channel.leave", LOW),
    _write("conversations.open", "channel.open", LOW),
    _write("conversations.close", "channel.close", LOW),
    _write("conversations.mark", "channel.mark", LOW),
    _read("users.list", "user.list"),
    _read("users.info", "user.get"),
    _read("users.lookupByEmail", "user.find"),
    _read("users.conversations", "user.list_channels"),
    _read("users.getPresence", "user.get_presence"),
    _read("users.profile.get", "user.get_profile"),
    _write("users.profile.set", "user.set_profile"),
    _read("usergroups.list", "usergroup.list"),
    _write("usergroups.create", "usergroup.create"),
    _write("usergroups.update", "usergroup.update"),
    _write("usergroups.users.update", "usergroup.set_members", HIGH),
    _write("reactions.add", "reaction.add", LOW),
    _write("reactions.remove", "reaction.remove", LOW),
    _read("reactions.get", "reaction.get"),
    _write("pins.add", "pin.add", LOW),
    _write("pins.remove", "pin.remove", LOW),
    _read("pins.list", "pin.list"),
    _write("bookmarks.add", "bookmark.add", LOW),
    _read("bookmarks.list", "bookmark.list"),
    _write("files.getUploadURLExternal", "file.upload"),
    _write("files.completeUploadExternal", "file.share"),
    _read("files.list", "file.list"),
    _read("files.info", "file.get"),
    _remove("files.delete", "file.delete"),
    _write("reminders.add", "reminder.add", LOW),
    _read("search.messages", "message.search"),
    _read("search.all", "search.all"),
    _read("team.info", "team.get"),
    _read("emoji.list", "emoji.list"),
    _write("views.open", "view.open", LOW),
    _write("views.update", "view.update", LOW),
    _write("views.publish", "view.publish", LOW),
    _write("apps.connections.open", "app.open_connection", HIGH),
)
