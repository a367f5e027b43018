using System.CommandLine;
using Mesh.Cli.Configuration;
using Mesh.Cli.Shell;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Http.Storage;
using Mesh.Security.Certificates;

namespace Mesh.Cli.Registry;

/// <summary><c>mesh registry</c>: makes a network, serves it, and administrates it.</summary>
internal static class RegistryCommands
{
    public static Command Create(CliContext context) => new MeshCommand("registry", "Make a network, run its registry, and administrate it.")
    {
        Init(context), Run(context), TokenCommands.Create(context), NodesCommand.Create(context), RevokeCommand.Create(context), HmacCommands.Create(context), ImportCommand.Create(context), RenewAuthorityCommand.Create(context),
    };

    private static MeshCommand Init(CliContext context)
    {
        var network = new Option<string>("--network") { Description = "The addresses of the network.", Required = true, HelpName = "PREFIX" };
        Option<string> dir = CommonOptions.Dir("Where the registry keeps its key and journal; made if it is missing.");
        var email = new Option<string>("--email") { Description = "Address of the administrator, in the authority's certificate.", HelpName = "E", DefaultValueFactory = _ => "registry@localhost" };
        var name = new Option<string?>("--name") { Description = "Name of the network for people [default: mesh PREFIX].", HelpName = "NAME" };
        var keySize = new Option<int>("--key-size") { Description = "Bits of the authority's key, and so of every node's: 2048, 3072 or 4096.", HelpName = "BITS", DefaultValueFactory = _ => 2048 };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("init", "Make a new network: the authority's key and certificate, and a configuration.")
        {
            Notes = ["Nothing that exists is overwritten. Who has ca.key owns the network: keep a copy of it in a safe place."],
            Examples = ["mesh registry init --network 2001:db8:42::/48 --dir /var/lib/mesh/registry --email admin@example.org"],
        };
        foreach (Option option in (Option[])[network, dir, email, name, keySize, json])
            command.Options.Add(option);
        command.SetAction(parsed =>
        {
            var checks = new Checks();
            string prefix = parsed.GetValue(network)!;
            if (!NetworkPrefix.TryParse(prefix, out NetworkPrefix parsedNetwork))
                checks.Add($"--network {prefix}: expected an IPv6 prefix of 1 to {NetworkPrefix.MaxLength} bits, without bits beyond its length, as in 2001:db8:42::/48");
            var authority = new NewAuthority
            {
                CommonName = parsed.GetValue(name) ?? $"mesh {parsedNetwork}",
                EmailAddress = parsed.GetValue(email)!,
                KeySize = parsed.GetValue(keySize),
                Configuration = Configuration,
            };
            foreach (string problem in authority.Validate())
                checks.Add(problem);
            checks.ThrowIfAny();
            var directory = new RegistryDirectory(parsed.GetValue(dir)!);
            try
            {
                directory.Init(parsedNetwork, authority, DateTimeOffset.UtcNow);
            }
            catch (RegistryDirectoryException e)
            {
                throw CommandFailedException.Usage(e.Message.Split('\n'));
            }
            using CertificateAuthority made = directory.Load();
            string fingerprint = Fingerprint.Of(made.Certificate.Der.AsSpan()).ToString();
            if (parsed.GetValue(json))
            {
                context.Out.WriteLine(JsonText.Text(new
                {
                    network = parsedNetwork.ToString(),
                    fingerprint,
                    directory = directory.DirectoryPath,
                    notAfter = made.Certificate.NotAfter,
                }));
                return ExitCode.Ok;
            }
            context.Out.WriteLine($"made network {parsedNetwork} in {directory.DirectoryPath}");
            context.Out.WriteLine($"fingerprint, for mesh join: {fingerprint}");
            context.Out.WriteLine($"start the registry with: mesh registry run --dir {directory.DirectoryPath}");
            return ExitCode.Ok;
        });
        return command;
    }

    private static MeshCommand Run(CliContext context)
    {
        Option<string> dir = CommonOptions.Dir("The registry's directory.");
        var listen = new Option<string[]>("--listen")
        {
            Description = "Where to serve nodes; may be repeated. Port 0 lets the system choose.",
            HelpName = "ADDRESS:PORT",
            DefaultValueFactory = _ => [],
        };
        Option<string?> config = CommonOptions.Config("Configuration [default: registry.conf in DIR].");
        Option<string[]> sets = CommonOptions.Sets();
        var command = new MeshCommand("run", "Serve a network until Ctrl-C or SIGTERM.")
        {
            Notes = [$"Each address that it listens on is written to standard output as a URL; logs go to standard error. Without --listen it is port {RegistryKeys.DefaultPort} of all addresses."],
            Examples = ["mesh registry run --dir /var/lib/mesh/registry", "mesh registry run --dir registry --listen 127.0.0.1:0 --set log.level=debug"],
        };
        foreach (Option option in (Option[])[dir, listen, config, sets])
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            checks.Directory("--dir", parsed.GetValue(dir)!);
            string[] addresses = parsed.GetValue(listen)!;
            foreach (string address in addresses)
                checks.EndPoint("--listen", address);
            checks.ThrowIfAny();
            var directory = new RegistryDirectory(parsed.GetValue(dir)!);
            string? file = parsed.GetValue(config) ?? (File.Exists(directory.ConfigurationPath) ? directory.ConfigurationPath : null);
            List<string> over = [.. parsed.GetValue(sets)!];
            if (addresses.Length > 0)
                over.Add($"{RegistryKeys.Listen.Path}={string.Join(',', addresses)}");
            var host = new RegistryHost(context, directory, MeshSchema.Load(context, file is null ? [] : [file], over));
            await host.RunAsync(cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    private const string Configuration = """
        # Configuration of this registry. Every key may be left out; `mesh config reference` shows all of them with range, default and cost.
        registry {
          # listen = ["0.0.0.0:6680", "[::]:6680"]
          # prefix-length = 16            # bits of the prefix that a token gives; 0 closes the registration
          # anonymous-prefix-length = 0   # bits for nodes without token; 0 refuses them
          # client-count = 10             # tunnels that a node opens
        }

        """;
}
