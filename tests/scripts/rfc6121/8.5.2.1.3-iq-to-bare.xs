# RFC 6121 sections 8.5.2.1.3 and 8.5.2.2.3: an IQ to the bare JID is answered by the server, with
# and without resources, and never given to one
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet connects
juliet disconnects
romeo sends
	<iq to='{juliet.bare}' type='get' id='1'><query xmlns='urn:example:unknown'/></iq>
	<iq to='{juliet.bare}' type='set' id='2'><query xmlns='urn:example:unknown'/></iq>
	<iq to='{juliet.bare}' type='result' id='3'/>
	<iq to='{juliet.bare}' type='error' id='4'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
romeo receives
	<iq from='{juliet.bare}' type='error' id='1'>{error:cancel:service-unavailable}</iq>
	<iq from='{juliet.bare}' type='error' id='2'>{error:cancel:service-unavailable}</iq>
romeo receives nothing
juliet comes online
romeo sends
	<iq to='{juliet.bare}' type='get' id='5'><query xmlns='urn:example:unknown'/></iq>
	<iq to='{juliet.bare}' type='set' id='6'><query xmlns='urn:example:unknown'/></iq>
	<iq to='{juliet.bare}' type='result' id='7'/>
	<iq to='{juliet.bare}' type='error' id='8'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	<iq to='{juliet.bare}' type='get' id='9'><vCard xmlns='vcard-temp'/></iq>
romeo receives
	<iq from='{juliet.bare}' type='error' id='5'>{error:cancel:service-unavailable}</iq>
	<iq from='{juliet.bare}' type='error' id='6'>{error:cancel:service-unavailable}</iq>
	<iq from='{juliet.bare}' type='*' id='9'><any/></iq>
romeo receives nothing
juliet receives nothing
