using System.Security.Cryptography;
using System.Threading.Channels;
using Mesh.Actors;
using Mesh.Actors.RealTime;
using Mesh.Cli.Control;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;
using Mesh.Node.Joining;
using Mesh.Platform.Linux.Http;
using Mesh.Platform.Linux.Work;

namespace Mesh.Cli.Join;

/// <summary>Runs a <see cref="JoinActor"/> on this machine, and puts on the disk what it gives, before it goes on.</summary>
internal sealed class JoinRun(CliContext context, NodeDirectory directory, CancellationToken cancellation)
{
    /// <summary>Joins.</summary>
    /// <exception cref="CommandFailedException">It did not work: with a sentence that a newcomer can act on.</exception>
    public async Task<Joined> RunAsync(JoinOrder order)
    {
        using var http = new HttpPort();
        using var work = new ThreadedWorkPool(threadCount: 1, queueLength: 4);
        var owner = new ChannelRef("/join");
        var system = new ActorSystem(new ActorSystemOptions { Name = "join", Seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)), Epoch = DateTimeOffset.UtcNow });
        context.Error.WriteLine($"asking {order.RegistryUrl} for the network's authority");
        ActorRef joining = system.ActorOf(Props.Create(() => new JoinActor(order, http, work, owner)), "join");
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        while (true)
        {
            switch (await owner.Messages.ReadAsync(cancellation))
            {
                case KeyReady ready:
                    Store(order, ready);
                    context.Error.WriteLine($"asking for a certificate in {ready.Authority.Network}");
                    joining.Tell(new KeyStored());
                    break;
                case Joined joined:
                    Store(order, joined);
                    return joined;
                case JoinFailed failed:
                    throw CommandFailedException.Failed(failed.Reason.TrimEnd('.'));
            }
        }
    }

    // Before the token is sent: a certificate for a key that was lost would be a token lost.
    private void Store(JoinOrder order, KeyReady ready)
    {
        if (directory.LoadAuthority() is { } known && !known.Der.AsSpan().SequenceEqual(ready.Authority.Der.AsSpan()))
        {
            throw CommandFailedException.Failed(
                $"{directory.AuthorityPath} is not the certificate of the authority of {order.RegistryUrl}; choose another directory, or move the file away if the registry is right");
        }
        if (order.Key is not null)
            context.Error.WriteLine($"using the existing key {directory.KeyPath}");
        else
            DurableFile.Create(directory.KeyPath, ready.Key.ToPem(), FileModes.Secret);
    }

    private void Store(JoinOrder order, Joined joined)
    {
        if (!File.Exists(directory.AuthorityPath))
            DurableFile.Create(directory.AuthorityPath, joined.Authority.ToPem(), FileModes.Readable);
        DurableFile.Create(directory.CertificatePath, joined.Certificate.ToPem(), FileModes.Readable);
        string line = $"node.registry = \"{order.RegistryUrl}\"\n";
        if (!File.Exists(directory.ConfigurationPath))
            DurableFile.Create(directory.ConfigurationPath, $"# Configuration of this node; `mesh config reference` shows every key.\n{line}", FileModes.Readable);
        else
            context.Error.WriteLine($"{directory.ConfigurationPath} exists and was left alone; it should say: {line.TrimEnd()}");
    }
}
