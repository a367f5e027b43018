using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Authority;
using Mesh.Registry.Events;
using Mesh.Registry.Parameters;

namespace Mesh.Registry.Tests;

/// <summary>A registry in virtual time, and an administrator who asks it things.</summary>
internal sealed class RegistryWorld
{
    private readonly TimeSpan _age;   // virtual time of the systems before this one
    private readonly Func<ActorTestKit, RegistryPorts, RegistryPorts>? _ports;

    public RegistryWorld(
        RegistryOptions? options = null,
        IRegistryAuthority? authority = null,
        SimulatedDisk? disk = null,
        ulong seed = 1,
        TimeSpan age = default,
        Func<ActorTestKit, RegistryPorts, RegistryPorts>? ports = null)
    {
        Options = options ?? new RegistryOptions();
        Authority = authority ?? new ModelledAuthority();
        (_age, _ports) = (age, ports);
        Pool = new VirtualWorkPool();
        Kit = new ActorTestKit(seed, RegistrySchema.AddTo(new EventSchema()), disk, o => o with { Epoch = o.Epoch + age });
        Pool.Attach(Kit);
        var world = new RegistryPorts(Authority, Pool);
        Actors = RegistryActors.Start(Kit.System, Options, ports?.Invoke(Kit, world) ?? world);
        Admin = Kit.CreateProbe("admin");
    }

    public RegistryOptions Options { get; }

    public IRegistryAuthority Authority { get; }

    public VirtualWorkPool Pool { get; }

    public ActorTestKit Kit { get; }

    public RegistryActors Actors { get; }

    public TestProbe Admin { get; }

    public DateTimeOffset UtcNow => Kit.Loop.UtcNow;

    /// <summary>Asks the registry and waits for the answer.</summary>
    public T Ask<T>(RegistryCommand command) => Ask<T>(Actors.Registry, command);

    /// <summary>Asks any of its actors and waits for the answer.</summary>
    public T Ask<T>(ActorRef actor, object message)
    {
        Admin.Send(actor, message);
        return Admin.ExpectMsg<T>();
    }

    /// <summary>The parameters as a node gets them; or that it gets none.</summary>
    public T Parameters<T>(NodePrefix node)
        where T : RegistryAnswer
    {
        RegistryAnswer answer = Ask<RegistryAnswer>(new GetCertificate(node));
        return answer is CertificateFound found ? Ask<T>(Actors.Parameters, new GetParameters(node, found.Pem)) : Assert.IsType<T>(answer);
    }

    public ParametersGiven Parameters(NodePrefix node) => Parameters<ParametersGiven>(node);

    /// <summary>Number of the published version.</summary>
    public ulong Version => Ask<PublishedParameters>(Actors.Parameters, new GetPublished()).Number;

    public string AddToken(string token = "t", int uses = 1, int? length = null)
    {
        _ = Ask<TokenAccepted>(new AddToken("a@b", token) { Uses = uses, PrefixLength = length });
        return token;
    }

    /// <summary>Adds a token and joins with it.</summary>
    public CertificateGiven Join(string token = "t", int? length = null, string request = "request")
    {
        _ = AddToken(token, length: length);
        return Ask<CertificateGiven>(new RequestCertificate(token, request));
    }

    public bool HasToken(string token = "t") => Ask<TokenKnown>(new IsToken(token)).IsKnown;

    public IReadOnlyList<RegisteredNode> Nodes => Ask<NodeList>(new ListNodes()).Nodes;

    /// <summary>The power fails now; a new registry starts on what is left of the disk.</summary>
    public RegistryWorld Crash(ulong seed)
    {
        _ = Kit.Disk.Crash(Kit.Now, new DeterministicRandom(seed));
        return new RegistryWorld(Options, Authority, Kit.Disk, seed, _age + Kit.Now, _ports);
    }

    /// <summary>An orderly stop, and a new registry on the same disk.</summary>
    public RegistryWorld Restart(RegistryOptions? options = null)
    {
        Kit.Advance(TimeSpan.FromSeconds(1));
        _ = Kit.Disk.Crash(Kit.Now, new DeterministicRandom(0));
        return new RegistryWorld(options ?? Options, Authority, Kit.Disk, seed: 1, _age + Kit.Now, _ports);
    }

    public static NodePrefix Bits(string bits) => NodePrefix.ParseBits(bits);
}
