using Mesh.Actors.Loop;
using Mesh.Actors.TestKit;

namespace Mesh.Actors.Tests.Loop;

/// <summary>The wheel against a list that is searched from end to end.</summary>
public sealed class TimingWheelTests
{
    private const long Millisecond = TimeSpan.TicksPerMillisecond;
    private const long Year = 365 * TimeSpan.TicksPerDay;

    private static readonly ActorCell Target = (ActorCell)new ActorTestKit().CreateProbe().Ref;

    public static TheoryData<int> Blocks => [.. Enumerable.Range(0, 24)];

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Fires_exactly_what_a_sorted_list_fires_in_a_hundred_random_sequences(int block)
    {
        for (int sequence = 0; sequence < 100; sequence++)
        {
            ulong seed = (ulong)((block * 100) + sequence + 1);
            new Comparison(seed).Run(steps: 250);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Keeps_its_order_with_thousands_of_timers_that_are_put_off_in_turn(int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var wheel = new TimingWheel();
        var model = new Model();
        long now = 0;
        var handles = new (TimerHandle Handle, int Id)[2_000];
        int id = 0;
        for (int round = 0; round < 5; round++)
        {
            for (int i = 0; i < handles.Length; i++)
            {
                now += random.Next(1_000);
                bool armed = wheel.Cancel(handles[i].Handle);
                Assert.Equal(model.Cancel(handles[i].Id), armed);
                long due = now + (random.Next(8) == 0 ? random.Next(1, 20_000_000) : 300_000_000);
                handles[i] = (wheel.Arm(now, due, Target, ++id, sender: null, named: false), id);
                model.Arm(due, id);
                if (i % 7 == 0)
                    Assert.Equal(model.NextDue, wheel.NextDue);
                if (model.NextDue <= now)
                    Comparison.FireUntil(wheel, model, now);
            }
        }

        Comparison.FireUntil(wheel, model, long.MaxValue - 1);
        Assert.Equal(0, wheel.Count);
    }

    [Fact]
    public void Fires_timers_of_one_instant_in_the_order_in_which_they_were_armed()
    {
        var wheel = new TimingWheel();
        for (int i = 0; i < 200; i++)
            wheel.Arm(now: 0, due: 5 * Year, Target, i, sender: null, named: false);
        for (int i = 0; i < 200; i++)
        {
            Assert.True(wheel.TryTake(5 * Year, out int index));
            Assert.Equal(i, wheel.At(index).Message);
            wheel.Release(index);
        }

        Assert.False(wheel.TryTake(long.MaxValue, out _));
    }

    [Fact]
    public void A_handle_of_an_earlier_life_cancels_nothing()
    {
        var wheel = new TimingWheel();
        TimerHandle first = wheel.Arm(0, 10, Target, "first", sender: null, named: false);
        Assert.True(wheel.Cancel(first));
        TimerHandle second = wheel.Arm(0, 10, Target, "second", sender: null, named: false);
        Assert.Equal(first.Index, second.Index);
        Assert.False(wheel.Cancel(first));
        Assert.True(wheel.IsArmed(second));
        Assert.False(wheel.Cancel(default));
    }

    [Fact]
    public void Lists_what_is_armed_in_firing_order()
    {
        var wheel = new TimingWheel();
        wheel.Arm(0, 3 * Year, Target, "last", sender: null, named: false);
        wheel.Arm(0, 0, Target, "first", sender: null, named: false);
        wheel.Arm(0, Millisecond, Target, "second", sender: null, named: false);
        wheel.Arm(0, Millisecond, Target, "third", sender: null, named: false);
        Assert.Equal(["first", "second", "third", "last"], wheel.ToList().Select(t => t.Message));
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(5, -1, 5)]
    [InlineData(5, 7, 12)]
    [InlineData(5, long.MaxValue, long.MaxValue - 1)]
    [InlineData(long.MaxValue - 1, 1, long.MaxValue - 1)]
    public void A_delay_without_end_is_late_and_not_long_ago(long now, long delay, long due) => Assert.Equal(due, TimingWheel.DueAfter(now, delay));

    /// <summary>The obvious structure: every question looks at everything.</summary>
    private sealed class Model
    {
        private readonly List<(long Due, long Sequence, int Id)> _armed = [];
        private long _sequence;

        public int Count => _armed.Count;

        public long NextDue => _armed.Count == 0 ? long.MaxValue : _armed.Min(t => t.Due);

        public void Arm(long due, int id) => _armed.Add((due, _sequence++, id));

        public bool Cancel(int id) => _armed.RemoveAll(t => t.Id == id) > 0;

        public bool IsArmed(int id) => _armed.Exists(t => t.Id == id);

        public int IdAt(int place) => _armed[place].Id;

        public int EarliestId => _armed.Min().Id;

        public (long Due, int Id) Take()
        {
            (long Due, long Sequence, int Id) earliest = _armed.Min();
            _armed.Remove(earliest);
            return (earliest.Due, earliest.Id);
        }
    }

    private sealed class Comparison(ulong seed)
    {
        private readonly DeterministicRandom _random = new(seed);
        private readonly TimingWheel _wheel = new();
        private readonly Model _model = new();
        private readonly Dictionary<int, TimerHandle> _handles = [];
        private readonly long _constantDelay = new DeterministicRandom(seed).Next(2) == 0 ? 30 * TimeSpan.TicksPerSecond : 90 * Millisecond;
        private long _now;
        private int _ids;

        public void Run(int steps)
        {
            _now = _random.Next(4) == 0 ? (long)(_random.NextDouble() * 100 * Year) : 0;
            int crowd = _random.Next(3) == 0 ? 100 : 0;   // enough for a slot to be sorted
            for (int i = 0; i < crowd; i++)
                Arm(_now + _constantDelay + i);
            for (int step = 0; step < steps; step++)
            {
                Step();
                Assert.True(_model.Count == _wheel.Count, $"seed {seed}, step {step}: {_wheel.Count} armed, expected {_model.Count}");
                if (_random.Next(3) > 0)
                    Assert.True(_model.NextDue == _wheel.NextDue, $"seed {seed}, step {step}: next due {_wheel.NextDue}, expected {_model.NextDue}");
            }

            FireUntil(_wheel, _model, long.MaxValue - 1);
            Assert.Equal(0, _wheel.Count);
        }

        public static void FireUntil(TimingWheel wheel, Model model, long limit)
        {
            while (model.NextDue <= limit)
            {
                Assert.True(wheel.TryTake(limit, out int index));
                (long due, int id) = model.Take();
                Assert.Equal((due, id), (wheel.At(index).Due, (int)wheel.At(index).Message));
                wheel.Release(index);
            }

            Assert.False(wheel.TryTake(limit, out _));
        }

        private void Step()
        {
            switch (_random.Next(10))
            {
                case 0 or 1 or 2:
                    Arm(TimingWheel.DueAfter(_now, Delay()));
                    break;
                case 3 when _ids > 0:   // any id, also of one that is gone
                    Cancel(_random.Next(1, _ids + 1));
                    break;
                case 4 or 5 when _model.Count > 0:   // the earliest is put off
                    Cancel(_model.EarliestId);
                    Arm(_now + _constantDelay);
                    break;
                case 6 when _model.Count > 0:
                    Cancel(_model.IdAt(_random.Next(_model.Count)));
                    break;
                case 7:
                    Advance(_random.Next(2) == 0 && _model.Count > 0 ? Math.Max(_now, _model.NextDue) : TimingWheel.DueAfter(_now, Delay()));
                    break;
                case 8 when _model.NextDue <= _now + (Millisecond * 200):   // a periodic timer: taken and armed again in one
                    Periodic();
                    break;
                default:
                    _now += _random.Next(300);
                    Advance(_now);
                    break;
            }
        }

        private void Arm(long due)
        {
            int id = ++_ids;
            _handles[id] = _wheel.Arm(_now, due, Target, id, sender: null, named: false);
            _model.Arm(due, id);
        }

        private void Cancel(int id)
        {
            Assert.Equal(_model.IsArmed(id), _wheel.IsArmed(_handles[id]));
            Assert.Equal(_model.Cancel(id), _wheel.Cancel(_handles[id]));
        }

        private void Advance(long time)
        {
            if (time > 200 * Year)
                time = _now + 1;
            FireUntil(_wheel, _model, time);
            _now = Math.Max(_now, time);
        }

        private void Periodic()
        {
            Assert.True(_wheel.TryTake(_model.NextDue, out int index));
            (long due, int id) = _model.Take();
            _now = Math.Max(_now, due);
            long next = _now + _random.Next(1, 2_000_000);
            _wheel.Rearm(_now, next, index);
            _model.Arm(next, id);
        }

        // Every level of the wheel gets its share, and so do the borders between two levels.
        private long Delay() => _random.Next(12) switch
        {
            0 => 0,
            1 => _random.Next(3),
            2 => _random.Next(128),
            3 => _random.Next(1_000),
            4 => (1L << _random.Next(7, 58)) - 1 + _random.Next(3),
            5 => _random.Next(10_000, 1_000_000),
            6 => _random.Next(1_000_000_000),
            7 => (long)(_random.NextDouble() * TimeSpan.TicksPerDay * 30),
            8 => (long)(_random.NextDouble() * Year * 40),
            9 => long.MaxValue,
            10 => _constantDelay,
            _ => 500,
        };
    }
}
