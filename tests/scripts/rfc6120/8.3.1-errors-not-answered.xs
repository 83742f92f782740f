# RFC 6120 section 8.3.1: an error is never answered by an error
client romeo romeo/orchard
romeo comes online
romeo sends
	<message to='{nobody}' type='error' id='1'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	<message to='@nowhere' type='error' id='2'/>
	<iq to='{nobody}' type='error' id='3'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	<iq to='@nowhere' type='result' id='4'/>
	<presence to='@nowhere' type='error'/>
	<message to='a@montague.example' type='error' id='5'/>
	<presence to='a@montague.example' type='error'/>
	<iq to='a@montague.example' type='result' id='6'/>
romeo receives nothing
