# XEP-0133 sections 4.8 to 4.10
client admin admin@service.localhost/desk administrator
client romeo romeo@service.localhost/orchard
admin connects
romeo comes online
romeo sends
	<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='juliet@example.org' name='Juliet'><group>Lovers</group></item></query></iq>
romeo receives
	<iq type='result' id='r'/>
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-roster'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-roster' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjids' type='jid-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-roster' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjids'><value>{romeo.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-roster' sessionid='{s}' status='completed'><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjids' type='jid-multi'><value>{romeo.bare}</value></field>
	<query xmlns='jabber:iq:roster'><item jid='juliet@example.org' name='Juliet' subscription='none'><group>Lovers</group></item></query></x></command></iq>
# 4.9
admin sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-lastlogin'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-lastlogin' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjids' type='jid-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-lastlogin' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjids'><value>{romeo.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-lastlogin' sessionid='{s}' status='completed'><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjids' type='jid-multi'><value>{romeo.bare}</value></field>
	<field var='lastlogin' type='text-single' label='*'><value>*</value></field></x></command></iq>
# 4.10
admin sends
	<iq type='set' to='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#user-stats'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#user-stats' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjid' type='jid-single' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#user-stats' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjid'><value>{romeo.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#user-stats' sessionid='{s}' status='completed'><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='ipaddresses' type='list-multi' label='*'><value>127.0.0.1</value></field>
	<field var='onlineresources' type='text-multi' label='*'><value>orchard</value></field>
	<field var='rostersize' type='text-single' label='*'><value>1</value></field>
	<field var='stanzaspersecond' type='text-single' label='*'><value>*</value></field>
	<field var='loginsperminute' type='text-single' label='*'><value>*</value></field></x></command></iq>
# nobody's
admin sends
	<iq type='set' to='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-roster'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-roster' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjids' type='jid-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='8'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-roster' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjids'><value>{nobody}</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='8'>{error:cancel:item-not-found}</iq>
# nobody's
admin sends
	<iq type='set' to='service.localhost' id='9'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-lastlogin'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='9'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-lastlogin' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjids' type='jid-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-user-lastlogin' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjids'><value>{nobody}</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='10'>{error:cancel:item-not-found}</iq>
# nobody's
admin sends
	<iq type='set' to='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#user-stats'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#user-stats' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjid' type='jid-single' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='12'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#user-stats' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjid'><value>{nobody}</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='12'>{error:cancel:item-not-found}</iq>
