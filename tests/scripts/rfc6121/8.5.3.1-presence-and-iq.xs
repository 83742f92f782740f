# RFC 6121 section 8.5.3.1: presence and IQs to a full JID with that resource; presence is shared by
# directed presence
client romeo romeo/orchard
client juliet juliet/balcony
client other juliet/other
romeo comes online
juliet comes online
other comes online
juliet forgets
romeo sends
	<presence to='{juliet}'><status>a</status></presence>
juliet receives
	<presence from='{romeo}' to='{juliet}'><status>a</status></presence>
juliet sends
	<presence to='{romeo}'/>
	<iq to='{romeo}' type='get' id='1'><query xmlns='urn:example:x'/></iq>
	<iq to='{romeo}' type='set' id='2'><query xmlns='urn:example:x'/></iq>
romeo receives
	<presence from='{juliet}' to='{romeo}'/>
	<iq from='{juliet}' to='{romeo}' type='get' id='1'><query xmlns='urn:example:x'/></iq>
	<iq from='{juliet}' to='{romeo}' type='set' id='2'><query xmlns='urn:example:x'/></iq>
romeo sends
	<iq to='{juliet}' type='result' id='1'/>
	<iq to='{juliet}' type='error' id='2'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	<presence to='{juliet}' type='unavailable'/>
juliet receives
	<iq from='{romeo}' to='{juliet}' type='result' id='1'/>
	<iq from='{romeo}' to='{juliet}' type='error' id='2'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	<presence from='{romeo}' to='{juliet}' type='unavailable'/>
other receives nothing
