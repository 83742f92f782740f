# RFC 6120 section 10.1: "If the server's processing of a particular request could have an effect on its
# processing of subsequent data it might receive over that input stream, it MUST suspend processing of
# subsequent data until it has processed the request": what is set is there for the next request, and what
# is set behind that is not; the same for another client of the account, and for others who ask
client romeo romeo/orchard
client other romeo/bench
romeo connects
other connects
romeo sends
	<iq type='set' id='1'><vCard xmlns='vcard-temp'><FN>1</FN></vCard></iq>
	<iq type='get' id='2'><vCard xmlns='vcard-temp'/></iq>
	<iq type='set' id='3'><vCard xmlns='vcard-temp'><FN>3</FN></vCard></iq>
	<iq type='get' id='4'><vCard xmlns='vcard-temp'/></iq>
	<iq type='set' id='5'><vCard xmlns='vcard-temp'/></iq>
	<iq type='get' id='6' to='{romeo.bare}'><vCard xmlns='vcard-temp'/></iq>
romeo receives
	<iq type='result' id='1'/>
	<iq type='result' id='2'><vCard xmlns='vcard-temp'><FN>1</FN></vCard></iq>
	<iq type='result' id='3'/>
	<iq type='result' id='4'><vCard xmlns='vcard-temp'><FN>3</FN></vCard></iq>
	<iq type='result' id='5'/>
	<iq type='result' from='{romeo.bare}' id='6'><vCard xmlns='vcard-temp'/></iq>
romeo sends
	<iq type='set' id='7'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'>1</a><b xmlns='urn:example:a'>1</b></query></iq>
	<iq type='get' id='8'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'/></query></iq>
	<iq type='set' id='9'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'>2</a></query></iq>
	<iq type='get' id='10'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'/></query></iq>
	<iq type='get' id='11'><query xmlns='jabber:iq:private'><b xmlns='urn:example:a'/></query></iq>
romeo receives
	<iq type='result' id='7'/>
	<iq type='result' id='8'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'>1</a></query></iq>
	<iq type='result' id='9'/>
	<iq type='result' id='10'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'>2</a></query></iq>
	<iq type='result' id='11'><query xmlns='jabber:iq:private'><b xmlns='urn:example:a'>1</b></query></iq>
other sends
	<iq type='get' id='12'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'/></query></iq>
other receives
	<iq type='result' id='12'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'>2</a></query></iq>
