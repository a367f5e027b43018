using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Node.AddressBook;
using Mesh.Node.Certificates;
using Mesh.Node.RegistryClient;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.RegistryClient;

public sealed class BootstrapActorTests
{
    private static readonly AddressList Own = new(new AdvertisedAddress("203.0.113.5", 1326, AddressProtocol.Mesh));

    private readonly ActorTestKit _kit = new();
    private readonly TestProbe _client;
    private readonly TestProbe _book;
    private readonly ActorRef _bootstrap;

    public BootstrapActorTests()
    {
        _client = _kit.CreateProbe("client");
        _book = _kit.CreateProbe("book");
        _bootstrap = _kit.ActorOf(Props.Create(() => new BootstrapActor(Identities.A, _client.Ref, _book.Ref)));
    }

    [Fact]
    public void The_registrys_peer_goes_to_the_address_book()
    {
        Tell(new BootstrapWanted());
        CallRegistry call = _client.ExpectMsg<CallRegistry>();
        Assert.Equal(RegistryMethod.GetBootstrapPeer, call.Method);
        var peer = new BootstrapPeer(Identities.B.Prefix, Own);
        _client.Reply(new RegistryAnswered(call.Tag, Identities.A.Key.PublicKey.Encrypt(peer.Encode(200), new CountingEntropy())));
        Assert.Equal([new PeerAddressEntry(Identities.B.Prefix, Own)], _book.ExpectMsg<PeersSeen>().Peers);
    }

    [Fact]
    public void One_question_is_asked_at_a_time_and_the_next_after_an_answer_or_a_failure()
    {
        Tell(new BootstrapWanted());
        Tell(new BootstrapWanted());
        CallRegistry call = _client.ExpectMsg<CallRegistry>();
        Assert.Equal(0, _client.PendingCount);
        _client.Reply(new RegistryUnreachable(call.Tag, "connection refused"));
        Tell(new BootstrapWanted());
        call = _client.ExpectMsg<CallRegistry>();
        _client.Reply(new RegistryAnswered(call.Tag, default));
        Tell(new BootstrapWanted());
        _client.ExpectMsg<CallRegistry>();
        Assert.Equal(0, _book.PendingCount);
    }

    [Theory]
    [InlineData("FR", true)]
    [InlineData("", false)]
    [InlineData("fr", false)]
    [InlineData("<html>", false)]
    public void The_registry_is_asked_for_the_country_of_an_address(string answer, bool isTaken)
    {
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_bootstrap, new CountryWanted("203.0.113.5"));
        CallRegistry call = _client.ExpectMsg<CallRegistry>();
        Assert.Equal((RegistryMethod.GetCountry, ("address", "203.0.113.5")), (call.Method, Assert.Single(call.Arguments)));
        _client.Reply(new RegistryAnswered(call.Tag, System.Text.Encoding.ASCII.GetBytes(answer)));
        _kit.Settle();
        Assert.Equal(isTaken ? [new CountryFound(answer)] : [], asker.ReceiveAll());
        asker.Send(_bootstrap, new CountryWanted("203.0.113.5"));
        _client.ExpectMsg<CallRegistry>();
        _client.Reply(new RegistryUnreachable(call.Tag, "this registry has no country database"));
        Assert.Equal(0, _kit.System.UnhandledCount);
    }

    [Theory]
    [InlineData("not encrypted")]
    [InlineData("for somebody else")]
    [InlineData("not a peer")]
    public void An_answer_that_cannot_be_read_is_logged_and_passed_over(string what)
    {
        Tell(new BootstrapWanted());
        CallRegistry call = _client.ExpectMsg<CallRegistry>();
        byte[] peer = new BootstrapPeer(Identities.B.Prefix, Own).Encode(200);
        byte[] body = what switch
        {
            "not encrypted" => peer,
            "for somebody else" => Identities.B.Key.PublicKey.Encrypt(peer, new CountingEntropy()),
            _ => Identities.A.Key.PublicKey.Encrypt("nonsense"u8, new CountingEntropy()),
        };
        _client.Reply(new RegistryAnswered(call.Tag, body));
        Assert.Equal(0, _book.PendingCount);
        Assert.Contains(_kit.Log.Entries, e => e.Message == "the registry's answer with a bootstrap peer cannot be read");
        Tell(new BootstrapWanted());
        _client.ExpectMsg<CallRegistry>();
    }

    [Fact]
    public void Own_addresses_are_advertised_at_once_and_again_before_the_registry_forgets_them()
    {
        Tell(new AdvertisedAddressesChanged(Own));
        for (int i = 0; i < 3; i++)
        {
            TimeSpan before = _kit.Now;
            CallRegistry call = _client.ExpectMsg<CallRegistry>(TimeSpan.FromMinutes(5));
            Assert.Equal(RegistryMethod.Advertise, call.Method);
            Assert.Equal(("addresses", "203.0.113.5,1326,mesh"), Assert.Single(call.Arguments));
            Assert.Equal(i == 0 ? TimeSpan.Zero : TimeSpan.FromMinutes(3), _kit.Now - before);
            _client.Reply(new RegistryAnswered(call.Tag, default));
        }
    }

    /// <summary>A registry of re6st does not know the method and refuses it every time.</summary>
    [Fact]
    public void A_failed_advertisement_is_repeated_soon_and_then_less_and_less_often()
    {
        Tell(new AdvertisedAddressesChanged(Own));
        CallRegistry call = _client.ExpectMsg<CallRegistry>();
        foreach (int seconds in (int[])[10, 20, 40, 80, 160, 320, 600, 600])
        {
            _client.Reply(new RegistryUnreachable(call.Tag, "connection refused"));
            TimeSpan before = _kit.Now;
            call = _client.ExpectMsg<CallRegistry>(TimeSpan.FromMinutes(11));
            Assert.Equal(TimeSpan.FromSeconds(seconds), _kit.Now - before);
        }
    }

    [Fact]
    public void Without_addresses_nothing_is_advertised()
    {
        Tell(new AdvertisedAddressesChanged(AddressList.Empty));
        _client.ExpectNoMsg(TimeSpan.FromMinutes(10));
    }

    [Fact]
    public void After_a_restart_it_learns_again_what_to_advertise()
    {
        TestProbe tunnels = _kit.CreateProbe("tunnels");
        _kit.System.EventStream.Subscribe<AdvertisedAddressesWanted>(tunnels.Ref);
        Tell(new AdvertisedAddressesChanged(null!));   // a mistake of ours, to make it fail
        Assert.Equal(1, _kit.System.FailureCount);
        AdvertisedAddressesWanted wanted = tunnels.ExpectMsg<AdvertisedAddressesWanted>();
        wanted.By.Tell(new AdvertisedAddressesChanged(Own));
        Assert.Equal(RegistryMethod.Advertise, _client.ExpectMsg<CallRegistry>().Method);
    }

    [Fact]
    public void Out_of_service_it_takes_its_addresses_back_once_and_asks_for_nobody()
    {
        Tell(new AdvertisedAddressesChanged(Own));
        _client.Reply(new RegistryAnswered(_client.ExpectMsg<CallRegistry>().Tag, default));
        Publish(Status(CertificateState.Renewing));
        Publish(Status(CertificateState.Expired));
        CallRegistry call = _client.ExpectMsg<CallRegistry>(TimeSpan.Zero);
        Assert.Equal((RegistryMethod.Advertise, ("addresses", "")), (call.Method, Assert.Single(call.Arguments)));
        _client.Reply(new RegistryUnreachable(call.Tag, "connection refused"));
        Publish(Status(CertificateState.Revoked));
        Tell(new BootstrapWanted());
        Tell(new AdvertisedAddressesChanged(Own));
        _client.ExpectNoMsg(TimeSpan.FromHours(2));
        Publish(Status(CertificateState.Valid));
        Assert.Equal(("addresses", "203.0.113.5,1326,mesh"), Assert.Single(_client.ExpectMsg<CallRegistry>(TimeSpan.Zero).Arguments));
        Tell(new BootstrapWanted());
        Assert.Equal(RegistryMethod.GetBootstrapPeer, _client.ExpectMsg<CallRegistry>().Method);
    }

    [Fact]
    public void Out_of_service_there_is_nothing_to_take_back_where_nothing_was_advertised()
    {
        Publish(Status(CertificateState.Revoked));
        _client.ExpectNoMsg(TimeSpan.FromMinutes(10));
    }

    [Fact]
    public void After_a_restart_it_learns_again_whether_it_may_serve()
    {
        TestProbe certificate = _kit.CreateProbe("certificate");
        _kit.System.EventStream.Subscribe<CertificateStatusWanted>(certificate.Ref);
        Tell(new AdvertisedAddressesChanged(null!));   // a mistake of ours, to make it fail
        _kit.Advance(TimeSpan.FromSeconds(1));
        certificate.ExpectMsg<CertificateStatusWanted>().By.Tell(Status(CertificateState.Revoked));
        Tell(new AdvertisedAddressesChanged(Own));
        _client.ExpectNoMsg(TimeSpan.FromMinutes(10));
    }

    private static CertificateStatus Status(CertificateState state) => new(state, Identities.Now, 1, Identities.Now, Identities.Now, null);

    private void Publish(object news)
    {
        _kit.System.EventStream.Publish(news);
        _kit.Settle();
    }

    private void Tell(object message)
    {
        _bootstrap.Tell(message);
        _kit.Settle();
    }
}
