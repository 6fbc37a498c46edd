"""Events, states and pictures by MQTT 5, and Home Assistant's discovery of them.

Topics, where rtaction is the prefix and <camera> a camera's id:

    rtaction/status                  "online", or "offline" when the process or the connection ends
    rtaction/<camera>/state          JSON: id, name, enabled, state, reason, since, model, labels,
                                     thresholds
    rtaction/<camera>/enabled        "ON" or "OFF": whether it is to be watched
    rtaction/<camera>/enabled/set    a command: "ON" or "OFF"
    rtaction/<camera>/<label>        "ON" while there is an event of this label, else "OFF"; the
                                     label in lower case, with "_" for what is no letter or digit
    rtaction/<camera>/action         JSON of the last event: `EventRecord.to_dict`, with its phase
    rtaction/<camera>/snapshot       JPEG of the last event
    rtaction/events                  JSON of each start and end of an event, like `action`

All but events and commands are retained, and told again after an outage. Events during an outage
are left out, and counted, unless `keep_seconds` says otherwise. The topics of a camera or label
that is no longer there are removed, after a restart as well.
"""
