# XEP-0133 sections 4.27, 4.28: at the first login
client admin admin@service.localhost/desk administrator
client romeo romeo@service.localhost/orchard
client juliet juliet@service.localhost/balcony
admin connects
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-welcome'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-welcome' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='welcome' type='text-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-welcome' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='welcome'><value>Welcome to</value><value>the Globe</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-welcome' sessionid='{s}' status='completed'></command></iq>
romeo connects
romeo sends
	<presence/>
romeo receives in any order
	<presence from='{romeo}'/>
	<message from='service.localhost' id='*'><body>Welcome to&#10;the Globe</body></message>
romeo disconnects
romeo connects
romeo sends
	<presence/>
romeo receives
	<presence from='{romeo}'/>
romeo receives nothing
admin sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-welcome'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-welcome' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='welcome' type='text-multi' label='*'><required/><value>Welcome to</value><value>the Globe</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-welcome'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-welcome' sessionid='*' status='completed'></command></iq>
juliet connects
juliet sends
	<presence/>
juliet receives
	<presence from='{juliet}'/>
juliet receives nothing
