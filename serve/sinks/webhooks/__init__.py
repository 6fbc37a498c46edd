"""Events posted to web servers of others.

Each is a POST of JSON:

    type             "event"
    schema_version   1; a field may be added without notice, a change of meaning raises it
    phase            "start", "end" or "change"
    event            see `EventRecord.to_dict`

with these headers:

    Idempotency-Key        the event's id and the phase, such as 20261130T092723120Z-1f2e3d4c-start.
                           The same comes twice if an answer was lost: one that is known may be left
                           out.
    X-Rtaction-Signature   t=<seconds since 1970>,v1=<hex>, if there is a secret. v1 is HMAC-SHA256,
                           with the secret as key, of the same seconds as text, a full stop, and the
                           body's bytes; as Stripe does it, https://docs.stripe.com/webhooks#verify-manually.
                           A receiver compares in constant time, and refuses what is older than five
                           minutes, so that nobody can send it again.

Any answer from 200 to 299 is success. 408, 429, redirects (which are not followed), 5xx and silence
are tried again, in order, until there is success; any other answer of 4xx is not.
"""
