# XEP-0133 section 4.1, 4.2: an account is made, with its vCard, and deleted with all its data
client admin admin@service.localhost/desk administrator
admin connects
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-user'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-user' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjid' type='jid-single' label='*'><required/></field>
	<field var='password' type='text-private' label='*'></field>
	<field var='password-verify' type='text-private' label='*'></field>
	<field var='email' type='text-single' label='*'></field>
	<field var='given_name' type='text-single' label='*'></field>
	<field var='surname' type='text-single' label='*'></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-user' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjid'><value>made{admin.local}@service.localhost</value></field><field var='password'><value>secret</value></field><field var='password-verify'><value>other</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='2'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-payload xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-user' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjid'><value>made{admin.local}@service.localhost</value></field><field var='password'><value>secret</value></field><field var='password-verify'><value>secret</value></field><field var='email'><value>a@b.example</value></field><field var='given_name'><value>A</value></field><field var='surname'><value>B</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-user' sessionid='{s}' status='completed'></command></iq>
# 5: a user exists already with that name
admin sends
	<iq type='set' to='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-user'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-user' sessionid='?s' status='executing'><any/></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-user' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjid'><value>made{admin.local}@service.localhost</value></field><field var='password'><value>secret</value></field><field var='password-verify'><value>secret</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='5'>{error:cancel:conflict}</iq>
admin sends
	<iq type='get' to='made{admin.local}@service.localhost' id='v'><vCard xmlns='vcard-temp'/></iq>
admin receives
	<iq type='result' from='made{admin.local}@service.localhost' id='v'><vCard xmlns='vcard-temp'><FN>A B</FN><N><FAMILY>B</FAMILY><GIVEN>A</GIVEN></N><EMAIL><INTERNET/><USERID>a@b.example</USERID></EMAIL></vCard></iq>
admin sends
	<iq type='set' to='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjids' type='jid-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjids'><value>made{admin.local}@service.localhost</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' sessionid='{s}' status='completed'></command></iq>
# what does not exist
admin sends
	<iq type='set' to='service.localhost' id='8'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='8'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjids' type='jid-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='9'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjids'><value>made{admin.local}@service.localhost</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='9'>{error:cancel:item-not-found}</iq>
# one of two: it is named
admin sends
	<iq type='set' to='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjids' type='jid-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjids'><value>{admin.bare}/desk</value><value>{admin.bare}x</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='11'>{error:cancel:item-not-found}</iq>
