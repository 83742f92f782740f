# RFC 6121 section 8.4, RFC 6120 section 10.5: addressed to the domain, with and without a resource
client romeo romeo/orchard
romeo comes online
romeo sends
	<iq to='localhost' type='get' id='1'><query xmlns='urn:example:unknown'/></iq>
	<iq to='localhost' type='set' id='2'><query xmlns='urn:example:unknown'/></iq>
	<iq to='localhost/nothing' type='get' id='3'><ping xmlns='urn:xmpp:ping'/></iq>
romeo receives
	<iq from='localhost' type='error' id='1'>{error:cancel:service-unavailable}</iq>
	<iq from='localhost' type='error' id='2'>{error:cancel:service-unavailable}</iq>
	<iq from='localhost/nothing' type='error' id='3'>{error:cancel:service-unavailable}</iq>
romeo sends
	<iq to='localhost' type='result' id='4'/>
	<iq to='localhost' type='error' id='5'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	<message to='localhost' type='error' id='6'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	<presence to='localhost'/>
	<presence to='localhost' type='unavailable'/>
	<presence to='localhost/nothing'/>
	<presence to='localhost' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
romeo receives nothing
romeo sends
	<message to='localhost' type='chat' id='7'><body>x</body></message>
	<message to='localhost/nothing' id='8'><body>x</body></message>
romeo receives
	<message from='localhost' type='error' id='7'>{error:cancel:service-unavailable}</message>
	<message from='localhost/nothing' type='error' id='8'>{error:cancel:service-unavailable}</message>
romeo receives nothing
