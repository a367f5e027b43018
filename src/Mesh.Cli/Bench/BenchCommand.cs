using System.CommandLine;
using System.Diagnostics;
using Mesh.Cli.Shell;
using Mesh.Platform.Linux.Namespaces;

namespace Mesh.Cli.Bench;

/// <summary><c>mesh bench</c>: measures. The benchmarks are a program of their own, so that what serves a network does not carry them along.</summary>
internal static class BenchCommand
{
    private const string ProgramPath = "bench/Mesh.Benchmarks/bin/Release/net10.0/Mesh.Benchmarks.dll";

    private const string Namespaces = "mesh-bench";   // those of the benchmarks of routing and data plane, which are killed with the program that made them

    public static Command Create(CliContext context)
    {
        var area = new Argument<string?>("AREA") { Description = "What to measure; without, the areas are listed.", Arity = ArgumentArity.ZeroOrOne };
        var json = new Option<string?>("--json") { Description = "Write the results to a file as JSON.", HelpName = "FILE" };
        var quick = new Option<bool>("--quick") { Description = "Small parameters: to see that it works, not how fast." };
        var command = new MeshCommand("bench", "Measure how fast the parts are on this machine.")
        {
            Notes = ["Further options are handed on to the benchmarks: --large (sim: a network of 1,000 nodes as well; ten minutes), --huge (sim: of 3,000 and 10,000, where they fit into memory; hours), --processor-time."],
            Examples = ["mesh bench kernel --json kernel.json", "mesh bench kernel --quick", "mesh bench babel --json babel.json", "mesh bench dataplane --json dataplane.json", "mesh bench peers --json peers.json", "mesh bench registry --json registry.json", "mesh bench sim --json sim.json", "mesh bench sim --large --json sim.json"],
            TreatUnmatchedTokensAsErrors = false,
        };
        command.Arguments.Add(area);
        command.Options.Add(json);
        command.Options.Add(quick);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (context.SourceRoot is not { } root)
                throw CommandFailedException.Usage("mesh bench needs the sources: start it with the launcher ./mesh of a clone");
            string program = Path.Combine(root, ProgramPath);
            if (!File.Exists(program))
                throw CommandFailedException.Failed($"{program} is not built; the launcher ./mesh bench builds it");
            List<string> arguments = [program];
            if (parsed.GetValue(area) is { } name)
                arguments.Add(name);
            if (parsed.GetValue(json) is { } file)
                arguments.AddRange(["--json", Path.GetFullPath(file)]);
            if (parsed.GetValue(quick))
                arguments.Add("--quick");
            // What is measured as a process of its own is this program.
            arguments.AddRange(["--mesh", Path.Combine(AppContext.BaseDirectory, "mesh.dll")]);
            arguments.AddRange(parsed.UnmatchedTokens);
            return await RunAsync(arguments, cancellation);
        });
        return command;
    }

    // Its own standard streams: tables and progress appear as they are written.
    private static async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        string host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        using Process process = Process.Start(new ProcessStartInfo(host, arguments) { UseShellExecute = false })
            ?? throw CommandFailedException.Failed("the benchmarks cannot be started");
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            NetworkNamespace.RemoveLeftovers(Namespaces);
            throw;
        }
        return process.ExitCode;
    }
}
