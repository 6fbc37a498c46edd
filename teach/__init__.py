"""A model from a handful of takes, in a minute and without the training stack."""

from rtaction.room import refuse_calls

refuse_calls(__name__, 'rtaction.teach_model("videos/")')
