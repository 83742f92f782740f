# RFC 6121 section 8.5.1: the account does not exist
client romeo romeo/orchard
romeo comes online
romeo sends
	<message to='{nobody}' type='chat' id='m'><body>x</body></message>
romeo receives
	<message from='{nobody}' type='error' id='m'><any/><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
romeo sends
	<iq to='{nobody}' type='get' id='q'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
romeo receives
	<iq from='{nobody}' type='error' id='q'><any/><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
romeo sends
	<presence to='{nobody}'/>
romeo receives nothing
