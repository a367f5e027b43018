using System.Diagnostics;

namespace Mesh.Fuzz.Tests.Harness;

/// <summary>Runs a decoder once and compares what it did with what it promises.</summary>
internal static class Contract
{
    // Others use the processor too, and the first run of a method costs more: what counts is the best of these.
    private const int Repetitions = 5;

    /// <summary>Runs it. Returns the broken part, or null; says whether the input was accepted.</summary>
    public static Violation? Probe(FuzzTarget target, FuzzInput input, out bool isAccepted)
    {
        Outcome outcome = Run(target, input);
        isAccepted = outcome.Value is not null;
        if (outcome.Thrown is { } thrown)
        {
            if (target.Expected is null || !target.Expected.IsInstanceOfType(thrown))
                return new Violation(ViolationKind.Exception, $"{thrown.GetType()} {PlaceOf(thrown)}", thrown.ToString());
            if (target.CheckRefusal(input, thrown) is { } wrong)
                return new Violation(ViolationKind.Refusal, "", $"{wrong}: {thrown.Message}");
        }

        long allowed = target.BaseOctets + ((long)target.OctetsPerOctet * input.Octets.Length);
        TimeSpan limit = target.BaseTime + (target.TimePerOctet * input.Octets.Length);
        for (int run = 1; run < Repetitions && (outcome.Allocated > allowed || outcome.Elapsed > limit); run++)
        {
            Outcome next = Run(target, input);
            outcome = outcome with { Allocated = Math.Min(outcome.Allocated, next.Allocated), Elapsed = next.Elapsed < outcome.Elapsed ? next.Elapsed : outcome.Elapsed };
        }

        if (outcome.Allocated > allowed)
            return new Violation(ViolationKind.Allocation, "", $"{outcome.Allocated} octets allocated for {input.Octets.Length}, and {allowed} are allowed");
        if (outcome.Elapsed > limit)
            return new Violation(ViolationKind.Time, "", $"{outcome.Elapsed.TotalMilliseconds:0.0} ms for {input.Octets.Length} octets, and {limit.TotalMilliseconds:0.0} ms are allowed");
        return outcome.Value is { } value ? CheckValue(target, input, value) : null;
    }

    // A value that was decoded from outside must not make our own code throw either: it is encoded, compared and written to logs.
    private static Violation? CheckValue(FuzzTarget target, FuzzInput input, object value)
    {
        try
        {
            return target.Check(input, value) is { } wrong ? new Violation(ViolationKind.Value, "", wrong) : null;
        }
        catch (Exception thrown)
        {
            return new Violation(ViolationKind.Value, $"{thrown.GetType()} {PlaceOf(thrown)}", $"after decoding: {thrown}");
        }
    }

    private static Outcome Run(FuzzTarget target, FuzzInput input)
    {
        Func<object?> run = target.Prepare(input);
        object? value = null;
        Exception? caught = null;
        long start = Stopwatch.GetTimestamp(), before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            value = run();
        }
        catch (Exception thrown)
        {
            caught = thrown;
        }

        return new Outcome(value, caught, GC.GetAllocatedBytesForCurrentThread() - before, Stopwatch.GetElapsedTime(start));
    }

    // The innermost method of ours that is in the trace.
    private static string PlaceOf(Exception thrown)
    {
        foreach (StackFrame frame in new StackTrace(thrown).GetFrames())
        {
            if (frame.GetMethod() is { DeclaringType: { } type } method && type.FullName!.StartsWith("Mesh.", StringComparison.Ordinal))
                return Methods.Name(method);
        }

        return "";
    }

    private readonly record struct Outcome(object? Value, Exception? Thrown, long Allocated, TimeSpan Elapsed);
}
