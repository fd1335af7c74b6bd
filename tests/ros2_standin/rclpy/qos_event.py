"""Humble's place of the events; later versions keep the name."""

from rclpy import native

UnsupportedEventTypeError = native.UnsupportedEventTypeError


class EventHandler:
    """A waitable."""

    def __init__(self, *, callback, parent_impl):
        self.callback = callback
        with parent_impl:
            self._event = native.EventHandle(parent_impl, native.SubscriptionEventType.RCL_SUBSCRIPTION_MESSAGE_LOST)
        self._ready = False
        self._index = None

    def __enter__(self):
        self._event.__enter__()

    def __exit__(self, kind, error, trace):
        self._event.__exit__(kind, error, trace)

    def add_to_wait_set(self, wait_set):
        with self._event:
            self._index = wait_set.add_event(self._event)

    def is_ready(self, wait_set):
        if self._index is None:
            return False
        self._ready = self._ready or wait_set.is_ready("event", self._index)
        return self._ready

    def take_data(self):
        if not self._ready:
            return None
        self._ready = False
        with self._event:
            return self._event.take_event()

    def destroy(self):
        self._event.destroy_when_not_in_use()


class SubscriptionEventCallbacks:
    def __init__(self, *, message_lost=None, use_default_callbacks=True):
        assert not use_default_callbacks, "the default ones are not needed here, so they are not stood in for"
        self.message_lost = message_lost

    def create_event_handlers(self, callback_group, subscription, topic_name):
        if self.message_lost is None:
            return []
        return [EventHandler(callback=self.message_lost, parent_impl=subscription)]
