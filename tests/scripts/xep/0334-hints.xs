# XEP-0334: what the server obeys: no-store is not kept, store is kept without a body; of what is neither
# given nor kept the sender hears (RFC 6121 section 8.5.2.2.1)
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
romeo sends
	<message to='{juliet.bare}' type='chat' id='1'><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>
	<message to='{juliet.bare}' type='chat' id='2'><x xmlns='urn:example:x'/><store xmlns='urn:xmpp:hints'/></message>
	<message to='{juliet.bare}' type='chat' id='3'><x xmlns='urn:example:x'/></message>
romeo receives
	<message from='{juliet.bare}' type='error' id='1'>{error:cancel:service-unavailable}</message>
	<message from='{juliet.bare}' type='error' id='3'>{error:cancel:service-unavailable}</message>
romeo receives nothing
juliet connects
juliet sends
	<presence/>
juliet receives
	<presence from='{juliet}'/>
	<message from='{romeo}' to='{juliet.bare}' type='chat' id='2'><x xmlns='urn:example:x'/><store xmlns='urn:xmpp:hints'/><delay xmlns='urn:xmpp:delay' from='localhost' stamp='*'>*</delay></message>
juliet receives nothing
