# XEP-0133 section 4.7; 4.6 was retracted: the server has no passwords to show
client admin admin@service.localhost/desk administrator
client romeo romeo@service.localhost/orchard
admin connects
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#change-user-password'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#change-user-password' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjid' type='jid-single' label='*'><required/></field>
	<field var='password' type='text-private' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#change-user-password' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjid'><value>{romeo.bare}</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='2'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-payload xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#change-user-password' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjid'><value>{romeo.bare}</value></field><field var='password'><value>secret</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#change-user-password' sessionid='{s}' status='completed'></command></iq>
romeo connects
admin sends
	<iq type='set' to='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#change-user-password'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#change-user-password' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjid' type='jid-single' label='*'><required/></field>
	<field var='password' type='text-private' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#change-user-password' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjid'><value>{nobody}</value></field><field var='password'><value>secret</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='5'>{error:cancel:item-not-found}</iq>
admin sends
	<iq type='set' to='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-password'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='6'>{error:cancel:feature-not-implemented}</iq>
