# XEP-0359 version 0.7.0: what an account's log keeps carries its number there.
client romeo romeo/orchard
client juliet juliet/balcony

romeo comes online
juliet comes online

# Section 3.2; the same for a message that waits: its number is that in the log.
romeo sends
    <message to='{juliet.bare}' type='chat' id='m1'><body>hi</body><origin-id xmlns='urn:xmpp:sid:0' id='o1'/></message>
juliet receives
    <message from='{romeo}' to='{juliet.bare}' type='chat' id='m1'><body>hi</body><origin-id xmlns='urn:xmpp:sid:0' id='o1'/><stanza-id xmlns='urn:xmpp:sid:0' by='{juliet.bare}' id='*'/></message>

# Section 3, rule 2: an id in the account's name is deleted; those of others stay.
romeo sends
    <message to='{juliet.bare}' type='chat' id='m2'><body>hi</body><stanza-id xmlns='urn:xmpp:sid:0' by='{juliet.bare}' id='forged'/><stanza-id xmlns='urn:xmpp:sid:0' by='{romeo.bare}' id='other'/></message>
juliet receives
    <message from='{romeo}' to='{juliet.bare}' type='chat' id='m2'><body>hi</body><stanza-id xmlns='urn:xmpp:sid:0' by='{romeo.bare}' id='other'/><stanza-id xmlns='urn:xmpp:sid:0' by='{juliet.bare}' id='*'/></message>
romeo sends
    <message to='{juliet}' type='headline' id='m3'><body>news</body><stanza-id xmlns='urn:xmpp:sid:0' by='{juliet.bare}' id='forged'/></message>
juliet receives
    <message from='{romeo}' to='{juliet}' type='headline' id='m3'><body>news</body></message>

# Rule 7: addresses are normalized.
romeo sends
    <message to='{juliet}' type='headline' id='m4'><body>news</body><stanza-id xmlns='urn:xmpp:sid:0' by='{juliet.local}@LocalHost' id='forged'/></message>
juliet receives
    <message from='{romeo}' to='{juliet}' type='headline' id='m4'><body>news</body></message>

juliet disconnects
romeo disconnects
