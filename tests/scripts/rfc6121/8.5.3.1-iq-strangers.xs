# RFC 6121 section 8.5.3.1: a request to a full JID is not delivered where the recipient does not share
# its presence with the sender; a subscription "from" or "both", or directed presence, shares it
client romeo romeo/orchard
client juliet juliet/balcony
client other juliet/other
romeo comes online
juliet comes online
other comes online
juliet forgets
romeo sends
	<iq to='{juliet}' type='get' id='1'><query xmlns='jabber:iq:version'/></iq>
romeo receives
	<iq from='{juliet}' type='error' id='1'>{error:cancel:service-unavailable}</iq>
romeo sends
	<iq to='{juliet}' type='set' id='2'><query xmlns='urn:example:x'/></iq>
romeo receives
	<iq from='{juliet}' type='error' id='2'>{error:cancel:service-unavailable}</iq>
# results and errors are not held back
romeo sends
	<iq to='{juliet}' type='result' id='3'/>
	<iq to='{juliet}' type='error' id='4'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet receives
	<iq from='{romeo}' type='result' id='3'/>
	<iq from='{romeo}' type='error' id='4'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
# the sender's own presence is not what counts
romeo sends
	<presence to='{juliet}'/>
	<iq to='{juliet}' type='get' id='5'><query xmlns='jabber:iq:version'/></iq>
juliet receives
	<presence from='{romeo}' to='{juliet}'/>
romeo receives
	<iq from='{juliet}' type='error' id='5'>{error:cancel:service-unavailable}</iq>
# directed presence, of that resource
juliet sends
	<presence to='{romeo}'/>
romeo receives
	<presence from='{juliet}'/>
romeo sends
	<iq to='{juliet}' type='get' id='6'><query xmlns='jabber:iq:version'/></iq>
	<iq to='{other}' type='get' id='7'><query xmlns='jabber:iq:version'/></iq>
juliet receives
	<iq from='{romeo}' type='get' id='6'><query xmlns='jabber:iq:version'/></iq>
romeo receives
	<iq from='{other}' type='error' id='7'>{error:cancel:service-unavailable}</iq>
