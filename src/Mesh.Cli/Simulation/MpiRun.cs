using System.Globalization;
using System.Text;
using Mesh.Cli.Shell;
using Mesh.Platform.Linux.Mpi;
using Mesh.Simulation.Ranks;

namespace Mesh.Cli.Simulation;

/// <summary>A command that several processes carry out together, started by <c>mpirun</c>. Rank 0 speaks for all of them, and all end with the same status.</summary>
internal static class MpiRun
{
    /// <summary>How many processes <c>mpirun</c> has started, or 0 where it was not it that started this one.</summary>
    public static int Started(CliContext context) =>
        int.TryParse(context.Environment.GetValueOrDefault(MpiWorld.CountVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : 0;

    /// <summary>Carries it out.</summary>
    /// <param name="context">What the command sees of the process.</param>
    /// <param name="prepare">What can fail because of what an operator has written. Given what the command is to see of the process, and the number of processes.</param>
    /// <param name="run">What they do together.</param>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    public static int Carry<T>(CliContext context, Func<CliContext, int, T> prepare, Func<CliContext, T, IRankLink, int> run)
    {
        MpiWorld world = MpiWorld.Join();
        var link = new Link(world);
        CliContext speaker = context with { Out = world.Rank == 0 ? context.Out : TextWriter.Null, IsTerminal = false };   // mpirun has a terminal of its own between, whoever looks
        try
        {
            int code = CarryTogether(speaker, link, prepare, run);
            context.Out.Flush();
            link.Wait();   // who ends with another status than 0 has mpirun end all others, and rank 0 may still speak
            world.Dispose();
            return code;
        }
        catch (Exception e)
        {
            // The others wait for this one, or compute what nobody will see.
            string hint = e is IOException or InvalidOperationException ? "" : " (run it again with one process and --verbose, and report what it shows)";
            context.Error.WriteLine($"mesh: rank {world.Rank}: {e.GetType().Name}: {e.Message}{hint}");
            context.Error.Flush();
            world.Abort(ExitCode.Failed);
            throw;
        }
    }

    private static int CarryTogether<T>(CliContext context, Link link, Func<CliContext, int, T> prepare, Func<CliContext, T, IRankLink, int> run)
    {
        T? prepared = default;
        CommandFailedException? failure = null;
        try
        {
            prepared = prepare(context, link.Count);
        }
        catch (CommandFailedException e)
        {
            failure = e;
        }

        // Where one cannot begin, none does.
        (int Code, string Problems)[] outcomes = link.Tell(failure);
        int failed = Array.FindIndex(outcomes, static outcome => outcome.Code != ExitCode.Ok);
        if (failed < 0)
            return run(context, prepared!, link);
        if (link.Rank == 0)
        {
            foreach (string problem in outcomes[failed].Problems.Split('\n'))
                context.Error.WriteLine($"mesh: {(failed == 0 ? "" : $"rank {failed}: ")}{problem}");
            context.Error.Flush();
        }

        return outcomes[failed].Code;
    }

    private sealed class Link(MpiWorld world) : IRankLink
    {
        public int Rank => world.Rank;

        public int Count => world.Count;

        public IReadOnlyList<ReadOnlyMemory<byte>> Exchange(IReadOnlyList<ReadOnlyMemory<byte>> messages) => world.Exchange(messages);

        /// <summary>Goes on when all have come here.</summary>
        public void Wait() => world.Exchange(new ReadOnlyMemory<byte>[world.Count]);

        /// <summary>Tells all how the preparation went: exit code u8, then problems, UTF-8.</summary>
        public (int Code, string Problems)[] Tell(CommandFailedException? failure)
        {
            byte[] own = [(byte)(failure?.ExitCode ?? ExitCode.Ok), .. Encoding.UTF8.GetBytes(string.Join('\n', failure?.Problems ?? []))];
            var messages = new ReadOnlyMemory<byte>[world.Count];
            Array.Fill(messages, own);
            IReadOnlyList<ReadOnlyMemory<byte>> heard = world.Exchange(messages);
            return [.. heard.Select((message, rank) => rank == world.Rank ? own : message).Select(static message => ((int)message.Span[0], Encoding.UTF8.GetString(message.Span[1..])))];
        }
    }
}
