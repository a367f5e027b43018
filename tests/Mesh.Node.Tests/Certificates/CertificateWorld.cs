using System.Text;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.RegistryClient;
using Mesh.Node.Tests.Doubles;
using Mesh.Protocol.Registry;
using Mesh.Security;
using Mesh.Security.Certificates;

namespace Mesh.Node.Tests.Certificates;

/// <summary>A node's certificate, and a test that plays the registry, its client, the disk and the clock.</summary>
internal sealed class CertificateWorld
{
    public const ulong Serial = 100;

    public static readonly TimeSpan Day = TimeSpan.FromDays(1);

    public static readonly TimeSpan Year = TimeSpan.FromDays(365);

    private static ulong _version;

    /// <param name="left">How long the certificate, which was made for a year, is still good.</param>
    /// <param name="authorityLeft">How long the authority's, which was made for ten, is.</param>
    /// <param name="life">For how long the certificate was made.</param>
    /// <param name="seed">Seed of the loop.</param>
    /// <param name="revoked">Serial numbers on the list that the node has stored.</param>
    /// <param name="isStarted">Whether the actor starts at once.</param>
    public CertificateWorld(TimeSpan? left = null, TimeSpan? authorityLeft = null, TimeSpan? life = null, ulong seed = 1, ulong[]? revoked = null, bool isStarted = true)
    {
        DateTimeOffset now = Identities.Now, end = now + (left ?? (300 * Day)), authorityEnd = now + (authorityLeft ?? (9 * Year));
        Authority = Identities.Authority.Renew(authorityEnd - (10 * Year), authorityEnd);
        NodeCertificate certificate = Certificate(Serial, end, end - (life ?? Year));
        Identity = new NodeIdentity(new CertificateVerifier(Authority), certificate, Identities.A.Key, now);
        Kit = new ActorTestKit(seed);
        Client = Kit.CreateProbe("client");
        News = Kit.CreateProbe("news");
        Kit.System.EventStream.Subscribe<IdentityChanged>(News.Ref);
        Kit.System.EventStream.Subscribe<CertificateStatus>(News.Ref);
        Revoked = new HashSet<ulong>(revoked ?? []);
        if (isStarted)
            Start();
    }

    public ActorTestKit Kit { get; }

    public TestProbe Client { get; }

    /// <summary>Gets what the actor publishes.</summary>
    public TestProbe News { get; }

    public HeldCredentials Disk { get; } = new();

    public AuthorityCertificate Authority { get; private set; }

    public NodeIdentity Identity { get; private set; }

    public IReadOnlySet<ulong> Revoked { get; private set; }

    public ActorRef Ref { get; private set; } = null!;

    public CertificateActor Actor { get; private set; } = null!;

    public CertificateStatus Status { get; private set; } = null!;

    public DateTimeOffset UtcNow => Kit.Loop.UtcNow;

    /// <summary>As the node makes it: a restarted one gets what is known by then.</summary>
    public void Start()
    {
        Ref = Kit.ActorOf(Props.Create(() => Actor = new CertificateActor(Identity, Client.Ref, Disk, Revoked, Status)), "certificate");
        TakeNews();
    }

    /// <summary>What was published since the last call; the node remembers it.</summary>
    public IReadOnlyList<object> TakeNews()
    {
        IReadOnlyList<object> news = News.ReceiveAll();
        foreach (object published in news)
        {
            if (published is CertificateStatus status)
                Status = status;
            else if (published is IdentityChanged changed)
                Identity = changed.Identity;
        }

        return news;
    }

    public CertificateState State
    {
        get
        {
            TakeNews();
            return Status.State;
        }
    }

    /// <summary>A certificate of this node by the authority.</summary>
    public NodeCertificate Certificate(ulong serial, DateTimeOffset notAfter, DateTimeOffset? notBefore = null, NodeCertificate? of = null) =>
        Identities.Authority.Renew(of ?? Identities.A.Certificate, serial, notBefore ?? (UtcNow - TimeSpan.FromMinutes(5)), notAfter);

    /// <summary>What the registry gives to a node that renews now.</summary>
    public NodeCertificate Next(ulong serial = Serial + 1) => Certificate(serial, UtcNow + Year);

    /// <summary>The next call, which may take a while to come.</summary>
    public CallRegistry ExpectCall(string method, TimeSpan? limit = null)
    {
        CallRegistry call = Client.ExpectMsg<CallRegistry>(limit ?? (2 * Day));
        Assert.Equal((method, method != RegistryMethod.RenewCertificate), (call.Method, call.IsPublic));
        Assert.Equal(0, Client.PendingCount);   // one at a time
        return call;
    }

    /// <summary>The next call and when it came.</summary>
    public (CallRegistry Call, TimeSpan After) TimeCall(string method, TimeSpan? limit = null)
    {
        TimeSpan before = Kit.Now;
        CallRegistry call = ExpectCall(method, limit);
        return (call, Kit.Now - before);
    }

    public void Answer(CallRegistry call, string body) => Answer(call, Encoding.UTF8.GetBytes(body));

    public void Answer(CallRegistry call, byte[] body)
    {
        Client.Send(Ref, new RegistryAnswered(call.Tag, body));
        Kit.Settle();
    }

    public void Fail(CallRegistry call, string reason = "connection refused", bool isDisowned = false)
    {
        if (isDisowned)
            Kit.System.EventStream.Publish(new DisownedByRegistry());   // as the registry's client does
        Client.Send(Ref, new RegistryUnreachable(call.Tag, reason) { IsDisowned = isDisowned });
        Kit.Settle();
    }

    /// <summary>What was given last to be stored is stored.</summary>
    public void Stored()
    {
        (object tag, _, ActorRef replyTo) = Disk.Requests[^1];
        replyTo.Tell(new CredentialsStored(tag));
        Kit.Settle();
    }

    public void NotStored(string reason = "no space left on device")
    {
        (object tag, _, ActorRef replyTo) = Disk.Requests[^1];
        replyTo.Tell(new CredentialsNotStored(tag, reason));
        Kit.Settle();
    }

    /// <summary>New network parameters with this list.</summary>
    public void List(params ulong[] serials)
    {
        Revoked = new HashSet<ulong>(serials);
        Publish(new NetworkParametersChanged(new NetworkParameters
        {
            Version = NetworkVersion.Create(++_version, []),
            Protocol = 10,
            RegistryPrefix = Identities.B.Prefix,
            RevokedSerials = [.. serials],
        }));
    }

    public void Publish(object news)
    {
        Kit.System.EventStream.Publish(news);
        Kit.Settle();
    }

    /// <summary>The machine's clock is set.</summary>
    public void SetClock(TimeSpan by)
    {
        Kit.Loop.Epoch += by;
        Kit.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(1));
    }

    /// <summary>It fails, by a mistake of ours, and is made anew.</summary>
    public void Crash()
    {
        TakeNews();
        long failures = Kit.System.FailureCount;
        Ref.Tell(new NetworkParametersChanged(null!));
        Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(failures + 1, Kit.System.FailureCount);
    }

    public static byte[] Notice(ulong serial = Serial) => RevocationNotice.Sign(Identities.Authority, serial);
}
